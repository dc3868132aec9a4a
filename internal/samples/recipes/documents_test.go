package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exotest"
	"go.uber.org/goleak"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sample:documents
type (
	Folder struct {
		Path string `json:"path"`
	}
	Document struct {
		Path string `json:"path"`
	}
	Summary struct {
		Text string `json:"text"`
	}
	Summaries struct {
		All exo.Val[[]exo.Branch[string]] `json:"all"` // one for each document, failed or not
	}
	Report struct {
		Done   exo.Val[[]string] `json:"done"`
		Failed exo.Val[[]string] `json:"failed"`
	}
)

var check = exo.Node("CheckFolder", func(_ context.Context, in Folder, _ exo.None) (Folder, error) { return in, nil })

var report = exo.Node("Report", func(_ context.Context, in Summaries, _ exo.None) (Report, error) {
	var r Report
	for _, b := range in.All.V {
		if b.Succeeded() {
			r.Done.V = append(r.Done.V, b.V)
		} else {
			r.Failed.V = append(r.Failed.V, b.Error)
		}
	}
	return r, nil
})

// documents summarises the documents of a folder by an API that fails now and then,
// and that takes one request in each interval.
func documents(list func(folder string) ([]Document, error), api func(context.Context, Document) (string, error), interval time.Duration) (*exo.Graph, *exo.Step[Report]) {
	find := exo.FanOut("FindDocuments", func(_ context.Context, in Folder, _ exo.None) ([]Document, error) {
		return list(in.Path)
	})
	limit := &limiter{interval: interval}
	summarise := exo.Node("Summarise", func(ctx context.Context, in Document, _ exo.None) (Summary, error) {
		if err := limit.wait(ctx); err != nil {
			return Summary{}, err
		}
		text, err := api(ctx, in)
		if errors.Is(err, errTooLarge) {
			err = exo.Permanent(err) // another attempt would not help
		}
		return Summary{text}, err
	}, exo.WithConcurrency(4), exo.WithTimeout(time.Minute))

	g := exo.NewGraph("documents").Retry(exo.RetryPolicy{
		MaxRetries: 5, Strategy: exo.ExponentialFullJitter, Backoff: time.Second, MaxDelay: time.Minute,
	})
	folder := exo.Add(g, "folder", check, Folder{})
	found := exo.Add(g, "find", find, folder.Out, exo.After(folder))
	summary := exo.Add(g, "summarise", summarise, found.Out, exo.After(found))
	return g, exo.Add(g, "report", report, Summaries{All: exo.CollectAllStrings(summary.Out.Text)},
		exo.After(summary), exo.Unites(folder, exo.AllDone)) // failed ones, too
}

// A limiter lets one caller pass in each interval. The module golang.org/x/time/rate
// has one with bursts.
type limiter struct {
	interval time.Duration

	mu   sync.Mutex
	next time.Time
}

func (l *limiter) wait(ctx context.Context) error {
	l.mu.Lock()
	if now := time.Now(); l.next.Before(now) {
		l.next = now
	}
	turn := time.NewTimer(time.Until(l.next))
	l.next = l.next.Add(l.interval)
	l.mu.Unlock()
	defer turn.Stop()
	select {
	case <-turn.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end sample

var errTooLarge = errors.New("the document is too large")

// three is a folder with three documents.
func three(string) ([]Document, error) {
	return []Document{{"a.txt"}, {"b.txt"}, {"huge.txt"}}, nil
}

// sample:documents run
func summarise(ctx context.Context, folder string, list func(string) ([]Document, error), api func(context.Context, Document) (string, error)) (Report, error) {
	g, reported := documents(list, api, 100*time.Millisecond)
	result, err := local.Run(ctx, g, exo.TriggerOptions{Inputs: exo.Fields(Folder{folder})})
	if result == nil {
		return Report{}, err
	}
	return exo.Output(result, reported) // there is a report also if documents have failed
}

// end sample

// sample:documents test
func TestDocuments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the limiter waits in virtual time, too
		g, reported := documents(three, func(_ context.Context, d Document) (string, error) {
			if d.Path == "huge.txt" {
				return "", errTooLarge
			}
			return "about " + d.Path, nil
		}, time.Second)
		sm := exotest.NewStateManager(t)
		sm.FailOn("summarise", 0, errors.New("503 Service Unavailable")) // every first attempt

		result := sm.Drive(t, g, exo.TriggerOptions{})
		exotest.WantOutputs(t, result, reported, Report{
			Done:   exo.Of([]string{"about a.txt", "about b.txt"}),
			Failed: exo.Of([]string{errTooLarge.Error()}),
		})
	})
}

// end sample

// The rate is kept, and what fails is tried again.
func TestSummarise(t *testing.T) {
	t.Setenv("EXOSPHERE_DISABLE_DEFAULT_LOGGING", "1")
	synctest.Test(t, func(t *testing.T) {
		began, attempts := time.Now(), map[string]int{}
		var mu sync.Mutex
		last := began.Add(-time.Hour)
		r, err := summarise(t.Context(), "docs", three, func(_ context.Context, d Document) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			if since := time.Since(last); since < 100*time.Millisecond {
				t.Errorf("a request %v after the one before", since)
			}
			last = time.Now()
			attempts[d.Path]++
			if d.Path == "huge.txt" {
				return "", errTooLarge
			}
			if attempts[d.Path] < 3 {
				return "", errors.New("503 Service Unavailable")
			}
			return fmt.Sprint(d.Path, " in attempt ", attempts[d.Path]), nil
		})
		if err != nil || len(r.Done.V) != 2 || r.Done.V[1] != "b.txt in attempt 3" || len(r.Failed.V) != 1 || attempts["huge.txt"] != 1 {
			t.Errorf("%+v, %v, attempts %v", r, err, attempts)
		}
	})
}

var quiet = local.WithLogger(zap.NewNop())
