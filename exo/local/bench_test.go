package local_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
)

const batch = 64

// fanOut triggers a run whose root fans out into batch states of node B.
func fanOut(b *testing.B, way transport.Transport) {
	b.Helper()
	root := claimOne(b, way, "A")
	var o transport.Executed
	for range batch {
		o.Outputs = append(o.Outputs, transport.Object(`{"text":"some text of a usual length"}`))
	}
	if errs := way.Report(context.Background(), []transport.Report{{StateID: root.ID, Outcome: o}}); errs != nil {
		b.Fatal(errs)
	}
}

func claimOne(b *testing.B, way transport.Transport, node string) transport.Claimed {
	b.Helper()
	if _, err := way.Trigger(context.Background(), "fan", transport.TriggerSpec{}); err != nil {
		b.Fatal(err)
	}
	states, err := way.Claim(context.Background(), transport.ClaimRequest{Nodes: []string{node}, Max: 1})
	if err != nil || len(states) != 1 {
		b.Fatal(states, err)
	}
	return states[0]
}

func prepareFan(b *testing.B, sm *local.Server) {
	b.Helper()
	way := sm.Namespace(ns)
	prepare(b, way, "A", "B")
	put(b, way, "fan", transport.GraphSpec{Nodes: []transport.Placement{step("A", "a", "v", "b"), step("B", "b", "${{ a.outputs.text }}")}})
}

// roundTrips claims and reports states, at most batch at a time. One op is one state.
func roundTrips(b *testing.B, maker, way transport.Transport, lease time.Duration) {
	b.Helper()
	output := []transport.Object{transport.Object(`{"text":"SOME TEXT OF A USUAL LENGTH"}`)}
	req := transport.ClaimRequest{Nodes: []string{"B"}, Max: batch, Lease: lease}
	reports := make([]transport.Report, 0, batch)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; {
		b.StopTimer()
		fanOut(b, maker)
		b.StartTimer()
		states, err := way.Claim(context.Background(), req)
		if err != nil || len(states) != batch {
			b.Fatal(len(states), err)
		}
		reports = reports[:0]
		for i := range states {
			reports = append(reports, transport.Report{StateID: states[i].ID, Token: states[i].Token, Outcome: transport.Executed{Outputs: output}})
		}
		if errs := way.Report(context.Background(), reports); errs != nil {
			b.Fatal(errs)
		}
		done += len(states)
	}
}

func BenchmarkBatchInProcess(b *testing.B) {
	sm := newLocal(b, local.WithKeepRuns(10))
	prepareFan(b, sm)
	roundTrips(b, sm.Namespace(ns), sm.Namespace(ns), 30*time.Second)
}

func BenchmarkBatchOverHTTP(b *testing.B) {
	sm := newLocal(b, local.WithKeepRuns(10))
	server := httptest.NewServer(sm.Handler(key))
	b.Cleanup(server.Close)
	prepareFan(b, sm)
	way := transport.HTTP{URL: server.URL, APIKey: key, Client: &http.Client{Transport: server.Client().Transport}}.Namespace(ns)
	if _, err := way.(transport.Extender).Extensions(context.Background()); err != nil {
		b.Fatal(err)
	}
	roundTrips(b, sm.Namespace(ns), way, 30*time.Second)
}

// BenchmarkOneByOne triggers, claims and reports one state at a time.
func BenchmarkOneByOne(b *testing.B) {
	sm := newLocal(b, local.WithKeepRuns(10))
	way := sm.Namespace(ns)
	prepare(b, way, "A")
	ctx := context.Background()
	req := transport.ClaimRequest{Nodes: []string{"A"}, Max: 16, Lease: 30 * time.Second}
	reports := make([]transport.Report, 1)
	outcome := transport.Executed{Outputs: []transport.Object{transport.Object(`{"text":"x"}`)}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := way.Trigger(ctx, "A", transport.TriggerSpec{}); err != nil {
			b.Fatal(err)
		}
		states, err := way.Claim(ctx, req)
		if err != nil || len(states) != 1 {
			b.Fatal(states, err)
		}
		reports[0] = transport.Report{StateID: states[0].ID, Token: states[0].Token, Outcome: outcome}
		if errs := way.Report(ctx, reports); errs != nil {
			b.Fatal(errs)
		}
	}
}

// BenchmarkClaimNothing is a claim in vain.
func BenchmarkClaimNothing(b *testing.B) {
	sm := newLocal(b)
	way := sm.Namespace(ns)
	req := transport.ClaimRequest{Nodes: []string{"A", "B", "C", "D"}, Max: 16, Lease: 30 * time.Second}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := way.Claim(context.Background(), req); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPickUp is the time from a trigger until a claim that waits has the
// state.
func BenchmarkPickUp(b *testing.B) {
	sm := newLocal(b, local.WithKeepRuns(10))
	way := sm.Namespace(ns)
	prepare(b, way, "A")
	ctx := context.Background()
	picked := make(chan time.Time)
	go func() {
		defer close(picked)
		for {
			states, err := way.Claim(ctx, transport.ClaimRequest{Nodes: []string{"A", "B", "C", "D"}, Max: 1, Wait: time.Minute})
			if err != nil {
				return
			}
			now := time.Now()
			for _, s := range states {
				do(b, way, s, "x")
			}
			if len(states) > 0 {
				picked <- now
			}
		}
	}()
	var total time.Duration
	n := 0
	for b.Loop() {
		begun := time.Now()
		if _, err := way.Trigger(ctx, "A", transport.TriggerSpec{}); err != nil {
			b.Fatal(err)
		}
		total += (<-picked).Sub(begun)
		n++
	}
	b.ReportMetric(float64(total.Microseconds())/float64(n), "µs/pick-up")
	_ = sm.Close()
	for range picked {
		b.Error("picked up after the end")
	}
}
