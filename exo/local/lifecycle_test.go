package local_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
)

func TestClose(t *testing.T) {
	t.Parallel()
	sm := local.New()
	way := sm.Namespace(ns)
	handler := sm.Handler(key)
	for range 2 {
		if err := sm.Close(); err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	wantClosed(t, "register", way.Register(ctx, "r", nil))
	_, err := way.Claim(ctx, transport.ClaimRequest{Max: 1, Wait: time.Hour})
	wantClosed(t, "claim", err)
	errs := way.Report(ctx, make([]transport.Report, 2))
	if len(errs) != 2 {
		t.Fatalf("report: %v", errs)
	}
	for _, err := range errs {
		wantClosed(t, "report", err)
	}
	_, err = way.Graph(ctx, "g")
	wantClosed(t, "graph", err)
	_, err = way.Trigger(ctx, "g", transport.TriggerSpec{})
	wantClosed(t, "trigger", err)
	wantClosed(t, "store set", way.(transport.StoreBackend).StoreSet(ctx, "s", "k", "v"))
	wantClosed(t, "cancel run", way.(transport.Canceler).CancelRun(ctx, "r"))
	_, _, err = way.(transport.RunReader).Run(ctx, "r", time.Hour)
	wantClosed(t, "run", err)
	_, err = sm.Namespaces(ctx)
	wantClosed(t, "namespaces", err)

	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/health", nil))
	if w.Code != http.StatusServiceUnavailable || w.Body.String() != `{"detail":"the state manager is closed"}` {
		t.Errorf("HTTP: %d %s", w.Code, w.Body)
	}
}

// A stop that loses runs says how many, and where.
func TestCloseCountsUnfinishedRuns(t *testing.T) {
	t.Parallel()
	sm := local.New()
	etl, ops := sm.Namespace(ns), sm.Namespace("ops")
	for _, way := range []transport.Transport{etl, ops} {
		if err := way.Register(t.Context(), "worker", []transport.NodeSpec{spec("A")}); err != nil {
			t.Fatal(err)
		}
		place := step("A", "a", "v")
		place.Namespace = ns
		put(t, way, "A", transport.GraphSpec{Nodes: []transport.Placement{place}})
	}
	for range 3 {
		trigger(t, etl, "A", 0)
	}
	trigger(t, ops, "A", time.Hour)
	states := claim(t, etl, transport.ClaimRequest{Nodes: []string{"A"}, Max: 3})
	do(t, etl, states[0], "x")
	failure := transport.Report{StateID: states[1].ID, Outcome: transport.Errored{Message: "boom", Permanent: true}}
	if errs := etl.Report(t.Context(), []transport.Report{failure}); errs != nil {
		t.Fatal(errs)
	}
	for range 2 { // the second time says the same
		err := sm.Close()
		var unfinished *local.UnfinishedError
		if !errors.As(err, &unfinished) || unfinished.Count() != 2 || unfinished.Runs[ns] != 1 || unfinished.Runs["ops"] != 1 {
			t.Fatalf("close: %v", err)
		}
		want := `2 runs were not finished and are gone: 1 in namespace "etl", 1 in namespace "ops"; ` +
			`node "A" in namespace "etl": 1 executing, 1 delayed until 2`
		if got := err.Error(); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q…", got, want)
		}
	}
	_, err := etl.Nodes(t.Context())
	wantClosed(t, "nodes", err)
}

// Nothing is lost where all runs are terminal, however they ended.
func TestCloseOfFinishedRuns(t *testing.T) {
	t.Parallel()
	sm := local.New(local.WithKeepRuns(1))
	way := sm.Namespace(ns)
	prepare(t, way, "A")
	req := transport.ClaimRequest{Nodes: []string{"A"}, Max: 1}
	for range 3 {
		trigger(t, way, "A", 0)
		do(t, way, claim(t, way, req)[0], "x")
	}
	if err := way.(transport.Canceler).CancelRun(t.Context(), trigger(t, way, "A", 0)); err != nil {
		t.Fatal(err)
	}
	if err := sm.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// Close waits for calls under way: here for one that reads its body slowly.
func TestCloseWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sm := newLocal(t)
		body, slow := io.Pipe()
		answered := make(chan int, 1)
		go func() {
			r := httptest.NewRequest(http.MethodPost, "/v0/namespace/etl/states/enqueue", body)
			r.Header.Set("X-Api-Key", key)
			w := httptest.NewRecorder()
			sm.Handler(key).ServeHTTP(w, r)
			answered <- w.Code
		}()
		synctest.Wait()
		begun := time.Now()
		go func() {
			time.Sleep(time.Second)
			_, _ = io.Copy(slow, strings.NewReader(`{"nodes":[],"batch_size":1}`))
			_ = slow.Close()
		}()
		if err := sm.Close(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took != time.Second {
			t.Errorf("took %v", took)
		}
		if code := <-answered; code != http.StatusOK {
			t.Errorf("answered %d", code)
		}
	})
}

// State managers are started and stopped under load, many times; what is left
// over, goleak finds.
func TestStartAndStop(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			for range 50 {
				startAndStop(t)
			}
		})
	}
	all.Wait()
}

func startAndStop(t *testing.T) {
	t.Helper()
	sm := local.New()
	way := sm.Namespace(ns)
	prepare(t, way, "A")
	id := trigger(t, way, "A", 0)
	trigger(t, way, "A", time.Hour)
	var calls sync.WaitGroup
	calls.Go(func() {
		for {
			states, err := way.Claim(context.Background(), transport.ClaimRequest{Nodes: []string{"A"}, Max: 2, Wait: time.Minute, Lease: time.Minute})
			if err != nil {
				wantClosed(t, "claim", err)
				return
			}
			for _, s := range states {
				do(t, way, s, "x")
			}
		}
	})
	if _, _, err := way.(transport.RunReader).Run(context.Background(), id, time.Minute); err != nil {
		t.Error(err)
	}
	for range 2 {
		calls.Go(func() {
			var unfinished *local.UnfinishedError
			if err := sm.Close(); !errors.As(err, &unfinished) || unfinished.Count() != 1 { // the one with a delay
				t.Error(err)
			}
		})
	}
	calls.Wait()
}

func TestWithoutExtensions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sm := newLocal(t, local.WithoutExtensions())
		defer func() { _ = sm.Close() }()
		way := sm.Namespace(ns)
		for name, has := range map[string]bool{
			"heartbeat": is[transport.Heartbeater](way), "store": is[transport.StoreBackend](way),
			"cancel": is[transport.Canceler](way), "run": is[transport.RunReader](way),
		} {
			if has {
				t.Errorf("has %s", name)
			}
		}
		if x, err := way.(transport.Extender).Extensions(t.Context()); err != nil || len(x) != 0 {
			t.Errorf("has %v (%v)", x, err)
		}
		prepare(t, way, "A")
		req := transport.ClaimRequest{Nodes: []string{"A"}, Max: 1, Wait: long, Lease: time.Second}
		if w := startClaim(t.Context(), way, req); !w.done {
			t.Error("a claim waits")
		}
		trigger(t, way, "A", 0)
		s := claim(t, way, req)[0]
		if s.RunID != "" || s.Graph != "" || s.Lease != 0 || s.Token != "" {
			t.Errorf("a state says too much: %+v", s)
		}
		time.Sleep(time.Hour) // no lease ends
		do(t, way, s, "x")
	})
}

// The joins of the reference server collect nothing, and that is told.
func TestAsReference(t *testing.T) {
	t.Parallel()
	for _, asReference := range []bool{false, true} {
		var opts []local.Option
		if asReference {
			opts = append(opts, local.AsReference())
		}
		way := newLocal(t, opts...).Namespace(ns)
		prepare(t, way, "A")
		graph := transport.GraphSpec{Nodes: []transport.Placement{step("A", "a", "v", "b"), step("A", "b", "v", "c"), {
			Node: "A", Namespace: ns, Identifier: "c", Inputs: map[string]string{"text": "${{ b.outputs.text }}"},
			Unites: &transport.Unites{Identifier: "a"},
		}}}
		_, err := way.PutGraph(t.Context(), "collecting", graph)
		extensions, _ := way.(transport.Extender).Extensions(t.Context())
		if refused, told := err != nil, slices.Contains(extensions, transport.ExtensionCollect); refused != asReference || told == asReference {
			t.Errorf("as the reference %t: %v, with %v", asReference, err, extensions)
		}
	}
}

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

// A default lease is for those who know nothing of leases: they report without
// a token.
func TestWithDefaultLease(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]local.Option{"with extensions": nil, "without": {local.WithoutExtensions()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sm := newLocal(t, append(opts, local.WithDefaultLease(10*time.Second))...)
				defer func() { _ = sm.Close() }()
				way := sm.Namespace(ns)
				prepare(t, way, "A")
				trigger(t, way, "A", 0)
				req := transport.ClaimRequest{Nodes: []string{"A"}, Max: 1}
				lost := claim(t, way, req)[0]
				time.Sleep(12 * time.Second)
				again := claim(t, way, req)
				if len(again) != 1 || again[0].ID != lost.ID {
					t.Fatalf("got %+v", again)
				}
				again[0].Token = ""
				do(t, way, again[0], "x")
			})
		})
	}
}
