package exo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
)

var echo = exo.Node("Echo", func(_ context.Context, in Text, _ exo.None) (Text, error) { return in, nil })

func TestUpsertGraph(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		m := b.manager()
		g, _ := one(echo)
		var invalid *exo.GraphInvalidError
		_, err := m.UpsertGraph(t.Context(), g)
		if !errors.As(err, &invalid) || invalid.Graph != "one" || len(invalid.Errors) == 0 {
			t.Fatalf("an unregistered node: %v", err)
		}
		if !strings.Contains(err.Error(), "Echo") {
			t.Errorf("%v does not name the node", err)
		}
		_, stop := b.serve(g.Nodes())
		info, err := m.UpsertGraph(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		if info.Status != transport.Valid || info.Name != "one" || info.Namespace != namespace {
			t.Errorf("%+v", info)
		}
		again, err := m.GetGraph(t.Context(), "one")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(info, again); diff != "" {
			t.Error(diff)
		}
		if _, err := m.GetGraph(t.Context(), "two"); !errors.Is(err, transport.ErrNotFound) {
			t.Errorf("an unknown graph: %v", err)
		}
		if _, err := m.Trigger(t.Context(), "two", exo.TriggerOptions{}); !errors.Is(err, transport.ErrNotFound) {
			t.Errorf("trigger of an unknown graph: %v", err)
		}
		if _, err := m.Trigger(t.Context(), "one", exo.TriggerOptions{StartDelay: -1}); err == nil {
			t.Error("a negative delay is accepted")
		}
		_ = stop()
	})
}

func TestUpsertGraphRefusedByStructure(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		_, err := b.manager().UpsertSpec(t.Context(), "g", exo.GraphSpec{})
		var invalid *exo.GraphInvalidError
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), "exactly one root") {
			t.Errorf("%v", err)
		}
	})
}

// pendingGraphs is a state manager whose validation takes its time.
type pendingGraphs struct {
	transport.Transport
	looks int // until a graph is validated; negative: never
}

func (p *pendingGraphs) Namespace(string) transport.Transport { return p }

func (p *pendingGraphs) PutGraph(ctx context.Context, name string, g transport.GraphSpec) (transport.GraphInfo, error) {
	status, err := p.Transport.PutGraph(ctx, name, g)
	status.Status = transport.Pending
	return status, err
}

func (p *pendingGraphs) Graph(ctx context.Context, name string) (transport.GraphInfo, error) {
	status, err := p.Transport.Graph(ctx, name)
	if p.looks != 0 {
		p.looks--
		status.Status = transport.Ongoing
	}
	return status, err
}

func TestUpsertGraphWaitsForValidation(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		g, _ := one(echo)
		_, stop := b.serve(g.Nodes())
		defer func() { _ = stop() }()
		slow := &pendingGraphs{b.sm.Namespace(namespace), 12}
		m, err := exo.NewStateManager(namespace, exo.WithStateManager(slow), exo.WithLogger(zap.NewNop()))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.UpsertGraph(t.Context(), g); err != nil {
			t.Error(err)
		}
		slow.looks = -1
		began := time.Now()
		if _, err := m.UpsertGraph(t.Context(), g); !errors.Is(err, exo.ErrValidationTimeout) {
			t.Errorf("%v, want ErrValidationTimeout", err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("waited %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := m.UpsertGraph(ctx, g); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want DeadlineExceeded", err)
		}
	})
}

func TestRuns(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		m := b.manager()
		ok, _ := one(echo)
		bad := exo.NewGraph("bad").Retry(exo.NoRetry())
		exo.Add(bad, "only", exo.Node("Bad", func(context.Context, Text, exo.None) (Text, error) { return Text{}, errors.New("bad") }), Text{"x"})
		_, stop := b.serve(append(ok.Nodes(), bad.Nodes()...))
		for _, g := range []*exo.Graph{ok, bad} {
			if _, err := m.UpsertGraph(t.Context(), g); err != nil {
				t.Fatal(err)
			}
		}
		const n = 250 // several pages
		for i := range n {
			name := "one"
			if i%10 == 0 {
				name = "bad"
			}
			if _, err := m.Trigger(t.Context(), name, exo.TriggerOptions{}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		count := func(filters ...exo.RunFilter) int {
			seen := map[string]bool{}
			var last time.Time
			for r, err := range m.Runs(t.Context(), filters...) {
				if err != nil {
					t.Fatal(err)
				}
				if seen[r.ID] || !last.IsZero() && r.CreatedAt.After(last) {
					t.Errorf("run %s is given twice or out of order", r.ID)
				}
				seen[r.ID], last = true, r.CreatedAt
			}
			return len(seen)
		}
		for _, test := range []struct {
			want    int
			filters []exo.RunFilter
		}{
			{n, nil},
			{n / 10, []exo.RunFilter{exo.RunsOfGraph("bad")}},
			{n * 9 / 10, []exo.RunFilter{exo.RunsWithStatus(exo.RunSuccess, exo.RunPending)}},
			{0, []exo.RunFilter{exo.RunsOfGraph("one"), exo.RunsWithStatus(exo.RunFailed)}},
		} {
			if got := count(test.filters...); got != test.want {
				t.Errorf("%d runs, want %d", got, test.want)
			}
		}
		for r, err := range m.Runs(t.Context()) { // one that is not read to its end
			if err != nil || r.ID == "" {
				t.Errorf("%+v, %v", r, err)
			}
			break
		}
		_ = stop()
		if names, err := m.Namespaces(t.Context()); err != nil || !cmp.Equal(names, []string{namespace}) {
			t.Errorf("namespaces %v, %v", names, err)
		}
		if nodes, err := m.Nodes(t.Context()); err != nil || len(nodes) != 2 || nodes[0].Runtime != "worker" {
			t.Errorf("nodes %+v, %v", nodes, err)
		}
		if graphs, err := m.Graphs(t.Context()); err != nil || len(graphs) != 2 {
			t.Errorf("graphs %+v, %v", graphs, err)
		}
	})
}

// shifting is a state manager on which new runs start between the pages of a list.
type shifting struct {
	transport.Unimplemented
	runs []transport.RunInfo // newest first
	more func(page int) int  // how many start before it
	made int
}

func (s *shifting) Namespace(string) transport.Transport { return s }

func (s *shifting) start(n int) {
	for range n {
		s.made++
		// Pairs have the same time.
		at := time.Unix(int64(s.made/2), 0)
		s.runs = slices.Insert(s.runs, 0, transport.RunInfo{ID: strconv.Itoa(s.made), CreatedAt: at})
	}
}

func (s *shifting) Runs(_ context.Context, page, size int) (transport.RunPage, error) {
	if page > 1 {
		s.start(s.more(page))
	}
	from := min((page-1)*size, len(s.runs))
	return transport.RunPage{Runs: slices.Clone(s.runs[from:min(from+size, len(s.runs))])}, nil
}

func TestRunsWhileOthersStart(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]func(int) int{
		"none":              func(int) int { return 0 },
		"one for each page": func(int) int { return 1 },
		"a page and a half": func(page int) int { return 150 * (page % 2) },
		"several pages, once": func(page int) int {
			if page == 3 {
				return 350
			}
			return 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 1050
			sm := &shifting{more: more}
			sm.start(n)
			m, err := exo.NewStateManager(namespace, exo.WithStateManager(sm), exo.WithLogger(zap.NewNop()))
			if err != nil {
				t.Fatal(err)
			}
			next := n
			for r, err := range m.Runs(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if want := strconv.Itoa(next); r.ID != want {
					t.Fatalf("got run %s, want %s", r.ID, want)
				}
				next--
			}
			if next != 0 {
				t.Errorf("%d runs are missing", next)
			}
		})
	}
}

func TestRunResultErrIsBounded(t *testing.T) {
	t.Parallel()
	for _, failed := range []int{1, 10, 11, 10_000} {
		r := exo.RunResult{ID: "r", Graph: "g", Status: exo.RunFailed}
		for i := range failed {
			r.States = append(r.States, exo.State{ID: strconv.Itoa(i), Identifier: "step", Status: transport.StatusErrored, Error: "no " + strconv.Itoa(i)})
		}
		text := r.Err().Error()
		if named := strings.Count(text, "state "); named != min(failed, 10) || len(text) > 1000 {
			t.Errorf("%d failures: %d are named, in %d bytes", failed, named, len(text))
		}
		if more := fmt.Sprintf("and %d more failed states", failed-10); strings.Contains(text, more) != (failed > 10) {
			t.Errorf("%d failures: %s", failed, text)
		}
	}
}

func TestRetryState(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		calls := 0
		n := exo.Node("Second", func(_ context.Context, in Text, _ exo.None) (Text, error) {
			if calls++; calls == 1 {
				return Text{}, errors.New("not yet")
			}
			return in, nil
		})
		g, _ := one(n)
		g.Retry(exo.NoRetry())
		_, stop := b.serve(g.Nodes())
		defer func() { _ = stop() }()
		result := b.run(g, exo.TriggerOptions{})
		if err := result.Err(); result.Status != exo.RunFailed || err == nil || !strings.Contains(err.Error(), "not yet") {
			t.Fatalf("%s, %v", result.Status, err)
		}
		m := b.manager()
		id, err := m.RetryState(t.Context(), result.States[0].ID, "by hand")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.RetryState(t.Context(), result.States[0].ID, "by hand"); !errors.Is(err, transport.ErrConflict) {
			t.Errorf("the same retry again: %v", err)
		}
		result, err = m.Run(result.ID).Wait(t.Context())
		if err != nil || result.Status != exo.RunSuccess || result.States[1].ID != id {
			t.Errorf("%v: %+v", err, result)
		}
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		m := b.manager()
		started := make(chan struct{})
		n := exo.Node("Forever", func(ctx context.Context, _ Text, _ exo.None) (Text, error) {
			close(started)
			<-ctx.Done()
			return Text{}, fmt.Errorf("ended: %w", context.Cause(ctx))
		})
		g, _ := one(n)
		g.Cron("0 9 * * *", "0 10 * * *")
		rt, stop := b.serve(g.Nodes())
		if _, err := m.UpsertGraph(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		if n, err := m.CancelTriggers(t.Context(), "one"); err != nil || n != 2 {
			t.Errorf("cancelled %d triggers, %v", n, err)
		}
		r, err := m.Trigger(t.Context(), "one", exo.TriggerOptions{})
		if err != nil {
			t.Fatal(err)
		}
		<-started
		if err := r.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		result, err := r.Wait(t.Context())
		if err != nil || result.Status != exo.RunCancelled || result.States[0].Status != transport.StatusCancelled {
			t.Errorf("%v: %+v", err, result)
		}
		time.Sleep(time.Minute) // a heartbeat tells the node
		if stats := rt.Stats(); stats.Lost != 1 || stats.Executing != 0 || stats.ReportErrors != 0 {
			t.Errorf("%+v", stats)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// plain is a state manager without any of the optional abilities.
type plain struct {
	transport.Worker
	transport.Control
}

func (p plain) Namespace(string) transport.Transport { return p }

func withoutAbilities(sm *local.Server) transport.Provider {
	t := sm.Namespace(namespace)
	return plain{t, t}
}

func TestWaitWithoutAbilities(t *testing.T) {
	t.Parallel()
	split := exo.FanOut("Split", func(context.Context, Text, exo.None) ([]Text, error) { return make([]Text, 3), nil })
	slow := exo.Node("Slow", func(_ context.Context, in Text, _ exo.None) (Text, error) { time.Sleep(time.Minute); return in, nil })
	graph := func() *exo.Graph {
		g := exo.NewGraph("join")
		s := exo.Add(g, "split", split, Text{"x"})
		b := exo.Add(g, "branch", slow, s.Out, exo.After(s))
		exo.Add(g, "leaf", echo, s.Out, exo.After(s))
		exo.Add(g, "all", echo, Text{"done"}, exo.After(b), exo.UnitesEach(s, exo.AllSuccess))
		return g
	}
	t.Run("ours", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, b *bubble) {
			g := graph()
			_, stop := b.serve(g.Nodes(), exo.WithStateManager(withoutAbilities(b.sm))) // no heartbeats: no leases
			m, err := exo.NewStateManager(namespace, exo.WithStateManager(withoutAbilities(b.sm)), exo.WithLogger(zap.NewNop()))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.UpsertGraph(t.Context(), g); err != nil {
				t.Fatal(err)
			}
			r, err := m.Trigger(t.Context(), "join", exo.TriggerOptions{})
			if err != nil {
				t.Fatal(err)
			}
			result, err := r.Wait(t.Context())
			if err != nil || result.Status != exo.RunSuccess || len(result.Step("all")) != 3 {
				t.Errorf("%v: %+v", err, result)
			}
			if err := r.Cancel(t.Context()); !errors.Is(err, transport.ErrUnsupported) {
				t.Errorf("Cancel: %v", err)
			}
			if _, err := m.CancelTriggers(t.Context(), "join"); !errors.Is(err, transport.ErrUnsupported) {
				t.Errorf("CancelTriggers: %v", err)
			}
			if _, err := m.Namespaces(t.Context()); !errors.Is(err, transport.ErrUnsupported) {
				t.Errorf("Namespaces: %v", err)
			}
			_ = stop()
		})
	})
	t.Run("stuck by the reference's rules", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			sm := local.New(local.AsReference())
			defer func() { _ = sm.Close() }()
			b := &bubble{t, sm}
			// The branch ends first, the leaf last: the join is then never looked at.
			g := exo.NewGraph("join")
			s := exo.Add(g, "split", echo, Text{"x"})
			br := exo.Add(g, "branch", exo.Node("Fast", func(_ context.Context, in Text, _ exo.None) (Text, error) { return in, nil }), s.Out, exo.After(s))
			exo.Add(g, "leaf", slow, s.Out, exo.After(s))
			exo.Add(g, "all", echo, Text{"done"}, exo.After(br), exo.Unites(s, exo.AllSuccess))
			_, stop := b.serve(g.Nodes())
			m, err := exo.NewStateManager(namespace, exo.WithStateManager(withoutAbilities(sm)), exo.WithLogger(zap.NewNop()))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.UpsertGraph(t.Context(), g); err != nil {
				t.Fatal(err)
			}
			r, err := m.Trigger(t.Context(), "join", exo.TriggerOptions{})
			if err != nil {
				t.Fatal(err)
			}
			result, err := r.Wait(t.Context())
			if !errors.Is(err, exo.ErrRunStuck) || !strings.Contains(err.Error(), `step "all" never ran`) || !strings.Contains(err.Error(), `ended at step "leaf"`) {
				t.Errorf("%v, want ErrRunStuck", err)
			}
			if result == nil || len(result.States) != 3 {
				t.Errorf("%+v", result)
			}
			_ = stop()
		})
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		g, _ := one(echo)
		_, stop := b.serve(g.Nodes())
		m := b.manager()
		if _, err := m.UpsertGraph(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		r, err := m.Trigger(t.Context(), "one", exo.TriggerOptions{StartDelay: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := r.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		result, err := r.Wait(t.Context())
		if err != nil || result.Elapsed < time.Hour || result.Elapsed > time.Hour+time.Second {
			t.Errorf("%v: %+v", err, result)
		}
		if _, err := m.Run("00000000-0000-4000-8000-000000000000").Wait(t.Context()); !errors.Is(err, transport.ErrNotFound) {
			t.Errorf("an unknown run: %v", err)
		}
		_ = stop()
	})
}
