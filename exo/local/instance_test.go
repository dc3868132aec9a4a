package local_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
)

type Text struct {
	Text string `json:"text"`
}

var quiet = local.WithLogger(zap.NewNop())

// graphOf is a graph of one step, whose node is f.
func graphOf(name string, f func(context.Context, Text, exo.None) (Text, error)) (*exo.Graph, *exo.Step[Text]) {
	g := exo.NewGraph(name)
	return g, exo.Add(g, "only", exo.Node(name, f), Text{"in"})
}

func echo(_ context.Context, in Text, _ exo.None) (Text, error) { return in, nil }

func TestRunOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		g, step := graphOf("Shout", func(_ context.Context, in Text, _ exo.None) (Text, error) {
			if calls++; calls < 3 {
				return Text{}, errors.New("not yet")
			}
			return Text{strings.ToUpper(in.Text)}, nil
		})
		g.Cron("* * * * *") // which do not count
		g.Retry(exo.RetryPolicy{MaxRetries: 3, Strategy: exo.Fixed, Backoff: time.Hour})
		result, err := local.Run(t.Context(), g, exo.TriggerOptions{Inputs: map[string]string{"text": "hello"}}, quiet)
		if err != nil || result.Elapsed != 2*time.Hour || calls != 3 {
			t.Fatalf("%v: %+v, %d calls", err, result, calls)
		}
		if out, err := exo.Output(result, step); err != nil || out.Text != "HELLO" {
			t.Errorf("%+v, %v", out, err)
		}
	})
}

func TestRunOnceFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, _ := graphOf("Fails", func(context.Context, Text, exo.None) (Text, error) {
			return Text{}, exo.Permanent(errors.New("broken"))
		})
		result, err := local.Run(t.Context(), g, exo.TriggerOptions{}, quiet)
		if result == nil || err == nil || err.Error() != result.Err().Error() || !strings.Contains(err.Error(), "broken") {
			t.Errorf("%v: %+v", err, result)
		}

		wrong := exo.NewGraph("wrong")
		exo.Add(wrong, "a", exo.Node("A", echo), Text{"${{ b.outputs.text }}"})
		var invalid *exo.GraphInvalidError
		if result, err := local.Run(t.Context(), wrong, exo.TriggerOptions{}, quiet); result != nil || !errors.As(err, &invalid) {
			t.Errorf("invalid graph: %v, %+v", err, result)
		}
		if _, err := local.Run(t.Context(), g, exo.TriggerOptions{StartDelay: -1}, quiet); err == nil {
			t.Error("a negative delay is taken")
		}
		if _, err := local.Run(t.Context(), g, exo.TriggerOptions{}, quiet, local.WithRuntime(exo.WithWorkers(0))); err == nil {
			t.Error("no workers are taken")
		}
	})
}

// What ends ctx ends the run, and says what is lost.
func TestRunOnceIsCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var cause error
		g, _ := graphOf("Waits", func(ctx context.Context, _ Text, _ exo.None) (Text, error) {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return Text{}, ctx.Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		result, err := local.Run(ctx, g, exo.TriggerOptions{}, quiet)
		var unfinished *local.UnfinishedError
		if result != nil || !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &unfinished) || unfinished.Count() != 1 {
			t.Errorf("%v: %+v", err, result)
		}
		if !errors.Is(cause, exo.ErrDrainTimeout) || time.Since(began) != time.Minute {
			t.Errorf("the node ended by %v after %v", cause, time.Since(began))
		}
		if _, err := local.Run(ctx, g, exo.TriggerOptions{}, quiet); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("begun too late: %v", err)
		}
	})
}

func TestInstance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := exo.Node("Shared", echo) // of both graphs
		a, b, late := exo.NewGraph("a"), exo.NewGraph("b"), exo.NewGraph("late")
		exo.Add(a, "s", shared, Text{"x"})
		exo.Add(b, "s", shared, Text{"y"})
		more := exo.Node("More", echo)
		exo.Add(late, "m", more, Text{"z"})
		in, err := local.Start(t.Context(), ns, quiet, local.WithGraphs(a), local.WithGraphs(b), local.WithNodes(more), local.WithKeepRuns(1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.UpsertGraph(t.Context(), late); err != nil {
			t.Error(err)
		}
		for _, name := range []string{"a", "b", "late"} {
			run, err := in.Trigger(t.Context(), name, exo.TriggerOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if result, err := run.Wait(t.Context()); err != nil || result.Err() != nil {
				t.Errorf("%s: %v: %+v", name, err, result)
			}
		}
		n := 0
		for _, err := range in.Runs(t.Context()) {
			if n++; err != nil {
				t.Error(err)
			}
		}
		if n != 1 || in.Namespace() != ns || !in.Runtime().Stats().Registered {
			t.Errorf("%d runs are kept, namespace %q, %+v", n, in.Namespace(), in.Runtime().Stats())
		}
		for range 2 {
			if err := in.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		_, err = in.Trigger(t.Context(), "a", exo.TriggerOptions{})
		wantClosed(t, "trigger", err)
	})
}

func TestInstanceDoesNotStart(t *testing.T) {
	t.Parallel()
	a := exo.Node("A", echo)
	wrong, alien := exo.NewGraph("wrong"), exo.NewGraph("alien")
	exo.Add(wrong, "a", a, Text{"${{ b.outputs.text }}"})
	first := exo.Add(alien, "a", a, Text{"x"})
	exo.Add(alien, "far", exo.Remote[Text, Text]("elsewhere", "Far"), Text{"x"}, exo.After(first)) // which nobody has registered
	for name, c := range map[string]struct {
		opts []local.InstanceOption
		want []string
	}{
		"nothing to serve": {nil, []string{"no nodes to serve"}},
		"invalid graphs":   {[]local.InstanceOption{local.WithGraphs(wrong, alien), local.WithNodes(exo.Node("B", echo))}, []string{`graph "wrong" is invalid`, `graph "alien" is invalid`}},
		"two of one name":  {[]local.InstanceOption{local.WithNodes(exo.Node("A", echo), exo.Node("A", echo))}, []string{`duplicate node "A"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, err := local.Start(t.Context(), ns, append(c.opts, quiet)...)
			if in != nil || err == nil {
				t.Fatalf("it starts: %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q", err, want)
				}
			}
		})
	}
}

// Close lets nodes finish; with DrainRuns it lets runs finish, too, and starts no
// more of them in whichever way.
func TestCloseDrains(t *testing.T) {
	t.Parallel()
	for name, drain := range map[string]bool{"states": false, "runs": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				executed := 0
				work := exo.Node("Work", func(_ context.Context, in Text, _ exo.None) (Text, error) {
					time.Sleep(5 * time.Second)
					executed++
					return in, nil
				})
				g := exo.NewGraph("g").Cron("* * * * *")
				first := exo.Add(g, "first", work, Text{"x"})
				second := exo.Add(g, "second", work, first.Out, exo.After(first))
				exo.Add(g, "third", work, second.Out, exo.After(second))
				opts := []local.InstanceOption{quiet, local.WithGraphs(g)}
				if drain {
					opts = append(opts, local.DrainRuns())
				}
				time.Sleep(52 * time.Second) // cron would fire in eight
				in, err := local.Start(t.Context(), ns, opts...)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := in.Trigger(t.Context(), "g", exo.TriggerOptions{}); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				began := time.Now()
				ended := make(chan error)
				go func() { ended <- in.Close(t.Context()) }()
				synctest.Wait()
				_, err = in.Trigger(t.Context(), "g", exo.TriggerOptions{})
				if !errors.Is(err, local.ErrDraining) {
					t.Errorf("a trigger meanwhile: %v", err)
				}
				w := httptest.NewRecorder()
				r := httptest.NewRequest(http.MethodPost, "/v0/namespace/"+ns+"/graph/g/trigger", strings.NewReader("{}"))
				r.Header.Set("X-Api-Key", key)
				in.Server().Handler(key).ServeHTTP(w, r)
				if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "starts no more runs") {
					t.Errorf("a trigger over HTTP: %d %s", w.Code, w.Body)
				}
				err = <-ended
				var unfinished *local.UnfinishedError
				took := time.Since(began)
				switch {
				case drain && (err != nil || executed != 3 || took != 15*time.Second):
					t.Errorf("%v after %v and %d states", err, took, executed)
				case !drain && (!errors.As(err, &unfinished) || unfinished.Runs[ns] != 1 || executed != 1 || took != 5*time.Second):
					t.Errorf("%v after %v and %d states", err, took, executed)
				}
				if err2 := in.Close(t.Context()); !errors.Is(err2, err) {
					t.Errorf("again: %v", err2)
				}
			})
		})
	}
}

// What no waiting ends, ctx does, and the error and the log say what it is.
func TestDrainRunsSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		failing := exo.Node("Failing", func(context.Context, Text, exo.None) (Text, error) { return Text{}, errors.New("away") })
		retried := exo.NewGraph("retried").Retry(exo.RetryPolicy{MaxRetries: 1, Strategy: exo.Fixed, Backoff: time.Hour})
		exo.Add(retried, "a", failing, Text{"x"})
		stubborn, _ := graphOf("Stubborn", func(ctx context.Context, in Text, _ exo.None) (Text, error) {
			<-ctx.Done()
			return in, ctx.Err()
		})
		in, err := local.Start(t.Context(), ns, local.WithLogger(zap.New(core)), local.WithGraphs(retried, stubborn), local.DrainRuns())
		if err != nil {
			t.Fatal(err)
		}
		elsewhere := in.Server().Namespace("elsewhere") // whose worker has gone
		if err := elsewhere.Register(t.Context(), "gone", []transport.NodeSpec{spec("Far")}); err != nil {
			t.Fatal(err)
		}
		far := exo.NewGraph("far")
		exo.Add(far, "far", exo.Remote[Text, Text]("elsewhere", "Far"), Text{"x"})
		if _, err := in.UpsertGraph(t.Context(), far); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"retried", "stubborn", "far", "far"} {
			if name == "stubborn" {
				name = "Stubborn"
			}
			if _, err := in.Trigger(t.Context(), name, exo.TriggerOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		began := time.Now()
		err = in.Close(ctx)
		var unfinished *local.UnfinishedError
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, exo.ErrDrainTimeout) || !errors.As(err, &unfinished) || unfinished.Count() != 4 {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 25*time.Second {
			t.Errorf("took %v", took)
		}
		for _, want := range []string{
			"local: wait for runs: context deadline exceeded", `4 runs were not finished and are gone: 4 in namespace "etl"`,
			`node "Far" in namespace "elsewhere": 2 due`, `node "Failing" in namespace "etl": 1 delayed until 2000-01-01T01:00:00Z or later`,
			`node "Stubborn" in namespace "etl": 1 d`, // it has been requeued
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		}
		told := logs.FilterMessage("waiting for runs").All()
		if len(told) != 3 { // at once, and every ten seconds
			t.Fatalf("told %d times", len(told))
		}
		states, ok := told[0].ContextMap()["states"].([]any)
		if !ok || len(states) != 3 || states[0] != `node "Far" in namespace "elsewhere": 2 due` || states[2] != `node "Stubborn" in namespace "etl": 1 executing` {
			t.Errorf("told %v", told[0].ContextMap())
		}
	})
}
