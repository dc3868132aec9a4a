package exo_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
)

// inline calls a handler without a network, so that time can stand still.
type inline struct{ http.Handler }

func (d inline) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

// clientOverHTTP is a client of a state manager by its handler.
func clientOverHTTP(t *testing.T, sm *local.Server) *exo.StateManager {
	t.Helper()
	m, err := exo.NewStateManager(namespace, exo.WithURL("http://localhost"), exo.WithAPIKey("key"),
		exo.WithHTTPClient(&http.Client{Transport: inline{sm.Handler("key")}}), exo.WithLogger(zap.NewNop()))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A run is read while it is under way, by whichever way and whatever the state
// manager can do.
func TestReadRunUnderWay(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]local.Option{"with extensions": nil, "without": {local.WithoutExtensions()}} {
		for _, way := range []string{"in process", "over HTTP"} {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					sm := local.New(opts...)
					defer func() { _ = sm.Close() }()
					b := &bubble{t: t, sm: sm}
					m := b.manager()
					if way == "over HTTP" {
						m = clientOverHTTP(t, sm)
					}
					readRunUnderWay(t, b, m, name == "with extensions")
				})
			})
		}
	}
}

func readRunUnderWay(t *testing.T, b *bubble, m *exo.StateManager, extended bool) {
	t.Helper()
	// Of three branches the first succeeds, the second fails once and is retried in
	// an hour, and the third takes two hours.
	split := exo.FanOut("Split", func(context.Context, Text, exo.None) ([]Text, error) {
		return []Text{{"a"}, {"b"}, {"c"}}, nil
	})
	failed := false
	work := exo.Node("Work", func(_ context.Context, in Text, _ exo.None) (Text, error) {
		if in.Text == "b" && !failed {
			failed = true
			return Text{}, errors.New("not yet")
		}
		if in.Text == "c" {
			time.Sleep(2 * time.Hour)
		}
		return Text{in.Text + "!"}, nil
	})
	g := exo.NewGraph("g").Retry(exo.RetryPolicy{MaxRetries: 1, Strategy: exo.Fixed, Backoff: time.Hour, Exponent: 1})
	s := exo.Add(g, "split", split, Text{"x"})
	w := exo.Add(g, "work", work, s.Out, exo.After(s))
	_, stop := b.serve(g.Nodes())
	defer func() { _ = stop() }()
	ctx := t.Context()
	if _, err := m.UpsertGraph(ctx, g); err != nil {
		t.Fatal(err)
	}
	run, err := m.Trigger(ctx, "g", exo.TriggerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	look := func(when string, want exo.RunInfo, steps []exo.StepProgress, outputs ...Text) {
		t.Helper()
		info, err := run.Status(ctx)
		if extended && info.CreatedAt.IsZero() {
			t.Errorf("%s: no time of creation", when)
		}
		info.CreatedAt = time.Time{}
		want.ID, want.Graph = run.ID, "g"
		if diff := cmp.Diff(want, info); diff != "" || err != nil {
			t.Errorf("%s: status (-want +got): %v\n%s", when, err, diff)
		}
		progress, err := run.Progress(ctx)
		if diff := cmp.Diff(steps, progress); diff != "" || err != nil {
			t.Errorf("%s: progress (-want +got): %v\n%s", when, err, diff)
		}
		now, err := run.Snapshot(ctx)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		got, err := exo.Outputs(now, w)
		if diff := cmp.Diff(outputs, got); diff != "" || err != nil {
			t.Errorf("%s: outputs (-want +got): %v\n%s", when, err, diff)
		}
		if now.Status != want.Status || (now.Err() == nil) != (want.Status == exo.RunSuccess) {
			t.Errorf("%s: snapshot is %s: %v", when, now.Status, now.Err())
		}
	}
	splits := exo.StepProgress{Step: "split", Node: "Split", States: map[exo.Status]int{transport.StatusSuccess: 3}}
	time.Sleep(30 * time.Minute)
	works := exo.StepProgress{Step: "work", Node: "Work", States: map[exo.Status]int{
		transport.StatusSuccess: 1, transport.StatusRetryCreated: 1, transport.StatusCreated: 1, transport.StatusQueued: 1,
	}}
	if works.Total() != 3 || works.Done() != 1 || works.Failed() != 0 {
		t.Errorf("%d, %d, %d", works.Total(), works.Done(), works.Failed())
	}
	look("at first", exo.RunInfo{Status: exo.RunPending, Success: 4, Pending: 2, Retried: 1, Total: 7},
		[]exo.StepProgress{splits, works}, Text{"a!"})

	result, err := run.Wait(ctx)
	if err != nil || result.Err() != nil || len(result.States) != 7 {
		t.Fatalf("%v: %+v", err, result)
	}
	works.States = map[exo.Status]int{transport.StatusSuccess: 3, transport.StatusRetryCreated: 1}
	look("at the end", exo.RunInfo{Status: exo.RunSuccess, Success: 6, Retried: 1, Total: 7},
		[]exo.StepProgress{splits, works}, Text{"a!"}, Text{"b!"}, Text{"c!"})
	_, err = exo.Output(result, w)
	if err == nil || err.Error() != `exo: output of step "work": it has succeeded 3 times, not once: use Outputs` {
		t.Errorf("one output of three: %v", err)
	}

	unknown := m.Run("00000000-0000-4000-8000-000000000000")
	_, err1 := unknown.Status(ctx)
	_, err2 := unknown.Progress(ctx)
	_, err3 := unknown.Snapshot(ctx)
	for _, err := range []error{err1, err2, err3} {
		if !errors.Is(err, transport.ErrNotFound) {
			t.Errorf("an unknown run: %v", err)
		}
	}
}

// What became of states decides what became of the run, where only its graph says.
func TestStatusOfEndedRuns(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]local.Option{"with extensions": nil, "without": {local.WithoutExtensions()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sm := local.New(opts...)
				defer func() { _ = sm.Close() }()
				b := &bubble{t: t, sm: sm}
				split := exo.FanOut("Split", func(context.Context, Text, exo.None) ([]Text, error) {
					return []Text{{"ok"}, {"prune"}, {"fail"}}, nil
				})
				work := exo.Node("Work", func(_ context.Context, in Text, _ exo.None) (Text, error) {
					switch in.Text {
					case "prune":
						return Text{}, exo.Prune(nil)
					case "fail":
						return Text{}, errors.New("broken")
					}
					return in, nil
				})
				g := exo.NewGraph("g").Retry(exo.NoRetry())
				s := exo.Add(g, "split", split, Text{"x"})
				w := exo.Add(g, "work", work, s.Out, exo.After(s))
				_, stop := b.serve(g.Nodes())
				result := b.run(g, exo.TriggerOptions{})
				info, err := b.manager().Run(result.ID).Status(t.Context())
				want := exo.RunInfo{ID: result.ID, Graph: "g", Status: exo.RunFailed, Success: 5, Errored: 1, Total: 6, CreatedAt: info.CreatedAt}
				if diff := cmp.Diff(want, info); diff != "" || err != nil {
					t.Errorf("status (-want +got): %v\n%s", err, diff)
				}
				progress, err := b.manager().Run(result.ID).Progress(t.Context())
				if err != nil || progress[1].Total() != 3 || progress[1].Done() != 3 || progress[1].Failed() != 1 {
					t.Errorf("%+v, %v", progress, err)
				}
				if out, err := exo.Output(result, w); err != nil || out.Text != "ok" {
					t.Errorf("%+v, %v", out, err)
				}
				_ = stop()
			})
		})
	}
}

// Without an output, what is said is why.
func TestOutputOfFailedRun(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		g, step := one(exo.Node("Fails", func(context.Context, Text, exo.None) (Text, error) {
			return Text{}, exo.Permanent(errors.New("broken"))
		}))
		_, stop := b.serve(g.Nodes())
		result := b.run(g, exo.TriggerOptions{})
		if _, err := exo.Output(result, step); err == nil || err.Error() != result.Err().Error() {
			t.Errorf("%v, want %v", err, result.Err())
		}
		_ = stop()
	})
}

// readStates counts the states of runs that come by.
type readStates struct {
	transport.Transport
	transport.RunReader
	calls, states int
}

func (c *readStates) Namespace(string) transport.Transport { return c }

func (c *readStates) Run(ctx context.Context, runID string, wait time.Duration) (transport.RunInfo, []transport.State, error) {
	info, states, err := c.RunReader.Run(ctx, runID, wait)
	c.calls++
	c.states += len(states)
	return info, states, err
}

// Who waits reads the states once, at the end, however long it takes and however
// many there are.
func TestWaitReadsStatesOnce(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"in process", "over HTTP"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *bubble) {
				const n = 500
				split := exo.FanOut("Split", func(context.Context, Text, exo.None) ([]Text, error) {
					texts := make([]Text, n)
					for i := range texts {
						texts[i].Text = strconv.Itoa(i)
					}
					return texts, nil
				})
				work := exo.Node("Work", func(_ context.Context, in Text, _ exo.None) (Text, error) {
					time.Sleep(time.Minute)
					return in, nil
				})
				g := exo.NewGraph("g")
				s := exo.Add(g, "split", split, Text{"x"})
				exo.Add(g, "work", work, s.Out, exo.After(s))
				_, stop := b.serve(g.Nodes())
				tr := b.sm.Namespace(namespace)
				if way == "over HTTP" {
					tr = transport.HTTP{URL: "http://localhost", APIKey: "key", Client: &http.Client{Transport: inline{b.sm.Handler("key")}}}.Namespace(namespace)
				}
				counted := &readStates{Transport: tr, RunReader: tr.(transport.RunReader)}
				m, err := exo.NewStateManager(namespace, exo.WithStateManager(counted), exo.WithLogger(zap.NewNop()))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := m.UpsertGraph(t.Context(), g); err != nil {
					t.Fatal(err)
				}
				run, err := m.Trigger(t.Context(), "g", exo.TriggerOptions{})
				if err != nil {
					t.Fatal(err)
				}
				result, err := run.Wait(t.Context())
				if err != nil || len(result.States) != 2*n {
					t.Fatalf("%v: %+v", err, result)
				}
				if counted.calls < 10 || counted.states != 2*n {
					t.Errorf("%d calls brought %d states, want %d", counted.calls, counted.states, 2*n)
				}
				_ = stop()
			})
		})
	}
}
