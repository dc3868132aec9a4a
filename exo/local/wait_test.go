package local_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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

// inBubble runs a test once for each way to a state manager, in a bubble of its
// own.
func inBubble(t *testing.T, test func(t *testing.T, sm *local.Server, way transport.Transport), opts ...local.Option) {
	t.Helper()
	for _, name := range []string{"in process", "over HTTP"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sm := newLocal(t, opts...)
				defer func() { _ = sm.Close() }()
				way := ways(sm)[name]
				if x, ok := way.(transport.Extender); ok { // which HTTP learns what there is by
					if _, err := x.Extensions(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				test(t, sm, way)
			})
		})
	}
}

// A claimed is what became of a claim.
type claimed struct {
	states []transport.Claimed
	err    error
	took   time.Duration
	done   bool
}

// A waiting is a claim under way, and what has become of it by the last settle.
type waiting struct {
	claimed
	end chan claimed
}

func startClaim(ctx context.Context, t transport.Transport, req transport.ClaimRequest) *waiting {
	w := &waiting{end: make(chan claimed, 1)}
	begun := time.Now()
	go func() {
		states, err := t.Claim(ctx, req)
		w.end <- claimed{states, err, time.Since(begun), true}
	}()
	settle(w)
	return w
}

// settle lets everybody do what they can without time passing.
func settle(ws ...*waiting) {
	synctest.Wait()
	for _, w := range ws {
		select {
		case w.claimed = <-w.end:
		default:
		}
	}
}

const long = 20 * time.Second

func TestClaimWaitsForAState(t *testing.T) {
	t.Parallel()
	req := transport.ClaimRequest{Nodes: []string{"A"}, Max: 5, Wait: long}
	t.Run("that is there", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, _ *local.Server, way transport.Transport) {
			prepare(t, way, "A")
			trigger(t, way, "A", 0)
			if w := startClaim(t.Context(), way, req); !w.done || len(w.states) != 1 {
				t.Errorf("got %+v", w)
			}
		})
	})
	t.Run("that comes", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, _ *local.Server, way transport.Transport) {
			prepare(t, way, "A")
			w := startClaim(t.Context(), way, req)
			time.Sleep(3 * time.Second)
			trigger(t, way, "A", 0)
			settle(w)
			if !w.done || len(w.states) != 1 || w.took != 3*time.Second {
				t.Errorf("got %+v", w)
			}
		})
	})
	t.Run("that comes and is due later", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, _ *local.Server, way transport.Transport) {
			prepare(t, way, "A")
			w := startClaim(t.Context(), way, req)
			trigger(t, way, "A", 15*time.Second)
			trigger(t, way, "A", 5*time.Second)
			time.Sleep(5 * time.Second)
			settle(w)
			if !w.done || len(w.states) != 1 || w.took != 5*time.Second {
				t.Errorf("got %+v", w)
			}
		})
	})
	t.Run("that is there and becomes due", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, _ *local.Server, way transport.Transport) {
			prepare(t, way, "A")
			trigger(t, way, "A", 5*time.Second)
			w := startClaim(t.Context(), way, req)
			time.Sleep(5 * time.Second)
			settle(w)
			if !w.done || len(w.states) != 1 || w.took != 5*time.Second {
				t.Errorf("got %+v", w)
			}
		})
	})
	t.Run("in vain", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, _ *local.Server, way transport.Transport) {
			prepare(t, way, "A", "B")
			w := startClaim(t.Context(), way, req)
			trigger(t, way, "B", 0)
			trigger(t, way, "A", long+time.Nanosecond)
			time.Sleep(long)
			settle(w)
			if !w.done || len(w.states) != 0 || w.err != nil || w.took != long {
				t.Errorf("got %+v", w)
			}
		})
	})
	t.Run("that is retried", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, _ *local.Server, way transport.Transport) {
			prepare(t, way, "A")
			trigger(t, way, "A", 0)
			s := claim(t, way, req)[0]
			w := startClaim(t.Context(), way, req)
			if errs := way.Report(t.Context(), []transport.Report{{StateID: s.ID, Outcome: transport.Errored{Message: "no"}}}); errs != nil {
				t.Fatal(errs)
			}
			time.Sleep(2 * time.Second) // the default policy
			settle(w)
			if !w.done || len(w.states) != 1 || w.states[0].Attempt != 1 || w.took != 2*time.Second {
				t.Errorf("got %+v", w)
			}
		})
	})
	t.Run("that is put back", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, _ *local.Server, way transport.Transport) {
			prepare(t, way, "A")
			trigger(t, way, "A", 0)
			s := claim(t, way, req)[0]
			w := startClaim(t.Context(), way, req)
			if errs := way.Report(t.Context(), []transport.Report{{StateID: s.ID, Outcome: transport.Requeued{After: time.Millisecond}}}); errs != nil {
				t.Fatal(errs)
			}
			time.Sleep(time.Millisecond)
			settle(w)
			if !w.done || len(w.states) != 1 || w.states[0].ID != s.ID {
				t.Errorf("got %+v", w)
			}
		})
	})
	t.Run("of a lease that ends", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, _ *local.Server, way transport.Transport) {
			prepare(t, way, "A")
			trigger(t, way, "A", 0)
			leased := req
			leased.Lease = 10 * time.Second
			s := claim(t, way, leased)[0]
			w := startClaim(t.Context(), way, req)
			time.Sleep(12 * time.Second) // the lease, and the delay before the retry
			settle(w)
			if !w.done || len(w.states) != 1 || w.states[0].Attempt != 1 || w.took != 12*time.Second {
				t.Errorf("got %+v", w)
			}
			err := errors.Join(way.Report(t.Context(), []transport.Report{{StateID: s.ID, Token: s.Token, Outcome: transport.Executed{}}})...)
			if !errors.Is(err, transport.ErrConflict) {
				t.Errorf("late report: %v", err)
			}
		})
	})
}

// What is due later is not handed out earlier because somebody else waits.
func TestWaitersOfOneTime(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, _ *local.Server, way transport.Transport) {
		prepare(t, way, "A")
		var ws []*waiting
		for range 3 {
			ws = append(ws, startClaim(t.Context(), way, transport.ClaimRequest{Nodes: []string{"A"}, Max: 1, Wait: long}))
		}
		trigger(t, way, "A", 5*time.Second)
		trigger(t, way, "A", 5*time.Second)
		trigger(t, way, "A", 6*time.Second)
		time.Sleep(5 * time.Second)
		settle(ws...)
		if !ws[0].done || !ws[1].done || ws[2].done {
			t.Fatalf("after 5 s: %t %t %t", ws[0].done, ws[1].done, ws[2].done)
		}
		time.Sleep(time.Second)
		settle(ws...)
		if !ws[2].done || len(ws[2].states) != 1 {
			t.Errorf("after 6 s: %+v", ws[2])
		}
	})
}

func TestClaimIsEnded(t *testing.T) {
	t.Parallel()
	t.Run("by Stop", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			sm := newLocal(t)
			defer func() { _ = sm.Close() }()
			stop := make(chan struct{})
			w := startClaim(t.Context(), sm.Namespace(ns), transport.ClaimRequest{Nodes: []string{"A"}, Max: 1, Wait: long, Stop: stop})
			close(stop)
			settle(w)
			if !w.done || w.err != nil || len(w.states) != 0 {
				t.Errorf("got %+v", w)
			}
		})
	})
	t.Run("by its context", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, _ *local.Server, way transport.Transport) {
			prepare(t, way, "A")
			ctx, cancel := context.WithCancel(t.Context())
			w := startClaim(ctx, way, transport.ClaimRequest{Nodes: []string{"A"}, Max: 1, Wait: long})
			other := startClaim(t.Context(), way, transport.ClaimRequest{Nodes: []string{"A"}, Max: 1, Wait: long})
			cancel()
			trigger(t, way, "A", 0)
			settle(w, other)
			// The state and the end of the context came at once: whoever has the
			// state, it is not lost.
			switch {
			case !w.done:
				t.Error("waits on")
			case len(w.states) == 0 && (!other.done || len(other.states) != 1):
				t.Errorf("the state is lost: %+v, %+v", w, other)
			}
		})
	})
	t.Run("before it began", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			sm := newLocal(t)
			defer func() { _ = sm.Close() }()
			way := sm.Namespace(ns)
			prepare(t, way, "A")
			trigger(t, way, "A", 0)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := way.Claim(ctx, transport.ClaimRequest{Nodes: []string{"A"}, Max: 1}); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if got := claim(t, way, transport.ClaimRequest{Nodes: []string{"A"}, Max: 1}); len(got) != 1 {
				t.Errorf("then %d states", len(got))
			}
		})
	})
	t.Run("by Close", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			sm := newLocal(t)
			w := startClaim(t.Context(), sm.Namespace(ns), transport.ClaimRequest{Nodes: []string{"A"}, Max: 1, Wait: long})
			if err := sm.Close(); err != nil {
				t.Fatal(err)
			}
			settle(w)
			if !w.done || w.took != 0 {
				t.Fatalf("got %+v", w)
			}
			wantClosed(t, "claim", w.err)
		})
	})
	t.Run("for nothing to ask for", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			sm := newLocal(t)
			defer func() { _ = sm.Close() }()
			if w := startClaim(t.Context(), sm.Namespace(ns), transport.ClaimRequest{Nodes: []string{"A"}, Wait: long}); !w.done || w.err != nil {
				t.Errorf("a claim of none waits: %+v", w)
			}
			w := startClaim(t.Context(), sm.Namespace(ns), transport.ClaimRequest{Max: 1, Wait: long})
			time.Sleep(long)
			settle(w)
			if !w.done || w.err != nil || w.took != long {
				t.Errorf("a claim of no nodes: %+v", w)
			}
		})
	})
}

// The first to wait is the first to be served.
func TestWaitersAreServedInOrder(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, _ *local.Server, way transport.Transport) {
		prepare(t, way, "A")
		var ws []*waiting
		for range 5 {
			ws = append(ws, startClaim(t.Context(), way, transport.ClaimRequest{Nodes: []string{"A"}, Max: 3, Wait: long}))
		}
		for i := range ws {
			trigger(t, way, "A", 0)
			settle(ws...)
			for j, w := range ws {
				if w.done != (j <= i) {
					t.Fatalf("after %d states, waiter %d is done: %t", i+1, j, w.done)
				}
			}
		}
	})
}

// One who is woken in vain keeps the place in line: here by a state that was
// cancelled before it became due.
func TestWokenInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sm := newLocal(t)
		defer func() { _ = sm.Close() }()
		way := sm.Namespace(ns)
		prepare(t, way, "A")
		req := transport.ClaimRequest{Nodes: []string{"A"}, Max: 1, Wait: long}
		first, second := startClaim(t.Context(), way, req), startClaim(t.Context(), way, req)
		run := trigger(t, way, "A", 5*time.Second)
		if err := way.(transport.Canceler).CancelRun(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Second)
		trigger(t, way, "A", 0)
		settle(first, second)
		if !first.done || second.done {
			t.Errorf("first is served: %t, second: %t", first.done, second.done)
		}
	})
}

// One who is woken for a state of one node and takes that of another leaves
// nobody standing who could have the first.
func TestWakeUpIsPassedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sm := newLocal(t)
		defer func() { _ = sm.Close() }()
		way := sm.Namespace(ns)
		prepare(t, way, "A", "B")
		both := startClaim(t.Context(), way, transport.ClaimRequest{Nodes: []string{"B", "A"}, Max: 1, Wait: long})
		onlyA := startClaim(t.Context(), way, transport.ClaimRequest{Nodes: []string{"A"}, Max: 1, Wait: long})
		onlyB := startClaim(t.Context(), way, transport.ClaimRequest{Nodes: []string{"B"}, Max: 1, Wait: long})
		trigger(t, way, "A", 0) // wakes both, which has not run yet …
		trigger(t, way, "B", 0) // … and this one wakes onlyB
		settle(both, onlyA, onlyB)
		served := 0
		for _, w := range []*waiting{both, onlyA, onlyB} {
			served += len(w.states)
		}
		if served != 2 || !both.done {
			t.Errorf("%d states are served: %+v %+v %+v", served, both, onlyA, onlyB)
		}
	})
}

// TestNoWakeUpIsLost plays at random: whenever all is quiet, nobody waits for a
// state that is due.
func TestNoWakeUpIsLost(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { playWaiters(t, seed) })
		})
	}
}

func playWaiters(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	sm := newLocal(t)
	defer func() { _ = sm.Close() }()
	way := sm.Namespace(ns)
	nodes := []string{"A", "B", "C", "D"}
	prepare(t, way, nodes...)

	var mu sync.Mutex
	due := map[string][]time.Time{} // of each node's states that nobody has claimed
	waiting := map[int][]string{}   // the nodes that claims under way wait for
	var claims sync.WaitGroup
	for i := range 300 {
		switch rnd.IntN(6) {
		case 0, 1: // somebody claims
			var some []string
			for _, j := range rnd.Perm(len(nodes))[:1+rnd.IntN(len(nodes))] {
				some = append(some, nodes[j])
			}
			req := transport.ClaimRequest{Nodes: some, Max: 1 + rnd.IntN(3), Wait: time.Duration(rnd.IntN(20)) * time.Millisecond}
			ctx, cancel := context.WithCancel(t.Context())
			if rnd.IntN(4) == 0 {
				time.AfterFunc(time.Duration(rnd.IntN(10))*time.Millisecond, cancel)
			}
			mu.Lock()
			waiting[i] = some
			mu.Unlock()
			claims.Go(func() {
				defer cancel()
				states, err := way.Claim(ctx, req)
				mu.Lock()
				defer mu.Unlock()
				delete(waiting, i)
				if err != nil && len(states) > 0 {
					t.Errorf("%v with %d states", err, len(states))
				}
				for _, s := range states {
					earliest := slices.IndexFunc(due[s.Node], func(at time.Time) bool { return !at.After(time.Now()) })
					if earliest < 0 {
						t.Errorf("%s is not due", s.Node)
						return
					}
					due[s.Node] = slices.Delete(due[s.Node], earliest, earliest+1)
				}
			})
		case 2, 3, 4: // a state comes
			node := nodes[rnd.IntN(len(nodes))]
			delay := time.Duration(max(0, rnd.IntN(12)-6)) * time.Millisecond
			mu.Lock()
			due[node] = append(due[node], time.Now().Add(delay))
			mu.Unlock()
			trigger(t, way, node, delay)
		case 5: // time passes
			time.Sleep(time.Duration(rnd.IntN(4)) * time.Millisecond)
		}
		if rnd.IntN(3) == 0 {
			synctest.Wait()
			mu.Lock()
			node, since := stuck(waiting, due)
			mu.Unlock()
			if node != "" {
				t.Fatalf("step %d: a claim waits for %s, which is due since %s", i, node, since)
			}
		}
	}
	claims.Wait()
}

// stuck is a node that somebody waits for though a state of it is due.
func stuck(waiting map[int][]string, due map[string][]time.Time) (node string, since time.Duration) {
	for _, nodes := range waiting {
		for _, node := range nodes {
			for _, at := range due[node] {
				if !at.After(time.Now()) {
					return node, time.Since(at)
				}
			}
		}
	}
	return "", 0
}

// A claim over HTTP can be woken by the name that it gave itself; then it is
// answered at once, with nothing.
func TestWake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sm := newLocal(t)
		defer func() { _ = sm.Close() }()
		handler := sm.Handler(key)
		post := func(namespace, call, body string) string {
			r := httptest.NewRequest(http.MethodPost, "/v0/namespace/"+namespace+"/states/"+call, strings.NewReader(body))
			r.Header.Set("X-Api-Key", key)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			return w.Body.String()
		}
		const enqueue, wake = `{"nodes":["A"],"batch_size":1,"wait_ms":20000,"wait_id":"me"}`, `{"wait_id":"me"}`
		const none, yes, no = `{"count":0,"namespace":"etl","status":"QUEUED","states":[]}`, `{"woken":true}`, `{"woken":false}`
		for range 2 {
			begun := time.Now()
			answer := make(chan string, 1)
			go func() { answer <- post(ns, "enqueue", enqueue) }()
			time.Sleep(time.Second)
			if got := post("ops", "wake", wake); got != no {
				t.Errorf("in another namespace: %s", got)
			}
			if got := post(ns, "wake", wake); got != yes {
				t.Errorf("woken: %s", got)
			}
			if got := <-answer; got != none || time.Since(begun) != time.Second {
				t.Errorf("answered %s after %v", got, time.Since(begun))
			}
			if got := post(ns, "wake", wake); got != no {
				t.Errorf("woken again: %s", got)
			}
		}
	})
}
