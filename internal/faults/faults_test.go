package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/faults"
	"github.com/google/go-cmp/cmp"
)

// peer counts what reaches it.
type peer struct {
	transport.Unimplemented

	mu    sync.Mutex
	calls []string
}

func (p *peer) Namespace(string) transport.Transport { return p }

func (p *peer) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, fmt.Sprintf(format, args...))
}

func (p *peer) reached() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.calls)
}

func (p *peer) Claim(_ context.Context, req transport.ClaimRequest) ([]transport.Claimed, error) {
	p.note("claim %d", req.Max)
	if req.Wait > 0 {
		<-req.Stop
	}
	return []transport.Claimed{{ID: "s"}}, nil
}

func (p *peer) Report(_ context.Context, reports []transport.Report) []error {
	for _, r := range reports {
		p.note("report %s", r.StateID)
	}
	return nil
}

// Each kind of fault, at the seam and over HTTP: how often the call is made, and
// what comes back.
func TestKinds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fault     faults.Fault
		reached   int
		status    int // of the error; -1: there is none
		temporary bool
	}{
		{faults.Fault{}, 1, -1, false},
		{faults.Fault{Kind: faults.DropBefore}, 0, 0, true},
		{faults.Fault{Kind: faults.DropAfter}, 1, 0, true},
		{faults.Fault{Kind: faults.DropPart}, 1, 0, true},
		{faults.Fault{Kind: faults.Refuse}, 0, 503, true},
		{faults.Fault{Kind: faults.Refuse, Status: 429, RetryAfter: 3 * time.Second}, 0, 429, true},
		{faults.Fault{Kind: faults.Refuse, Status: 403}, 0, 403, false},
		{faults.Fault{Kind: faults.Truncate}, 1, 0, true}, // 200 at the seam
		{faults.Fault{Kind: faults.Garbage}, 1, 200, true},
		{faults.Fault{Kind: faults.HTML}, 1, 200, true},
		{faults.Fault{Kind: faults.Huge}, 1, 413, false},
		{faults.Fault{Kind: faults.Duplicate}, 2, -1, false},
		{faults.Fault{Delay: time.Millisecond}, 1, -1, false},
		{faults.Fault{Late: time.Millisecond}, 1, -1, false},
	} {
		check := func(t *testing.T, reached int, err error) {
			t.Helper()
			if reached != test.reached {
				t.Errorf("the call was made %d times, want %d", reached, test.reached)
			}
			var e *transport.Error
			switch {
			case test.status == -1 && err != nil:
				t.Errorf("error %v", err)
			case test.status >= 0 && !errors.As(err, &e):
				t.Errorf("no error of a state manager: %v", err)
			case test.status > 0 && e.Status != test.status, test.status >= 0 && e.Temporary() != test.temporary:
				t.Errorf("status %d, temporary: %v: %v", e.Status, e.Temporary(), e)
			case e != nil && e.RetryAfter != test.fault.RetryAfter:
				t.Errorf("retry after %v", e.RetryAfter)
			case test.fault.Kind == faults.Huge && !errors.Is(err, transport.ErrAnswerTooLarge):
				t.Errorf("error %v", err)
			}
		}
		name := fmt.Sprintf("%+v", test.fault)
		t.Run("seam: "+name, func(t *testing.T) {
			t.Parallel()
			p := &peer{}
			ns := faults.New(p, faults.On(faults.Claim, test.fault)).Namespace("ns")
			states, err := ns.Claim(t.Context(), transport.ClaimRequest{Max: 1})
			if (err == nil) != (len(states) == 1) {
				t.Errorf("%d states, %v", len(states), err)
			}
			check(t, len(p.reached()), err)
		})
		t.Run("HTTP: "+name, func(t *testing.T) {
			t.Parallel()
			p := &peer{}
			rt := faults.NewRoundTripper(served(p), faults.On(faults.Claim, test.fault))
			ns := transport.HTTP{URL: "http://test", Client: &http.Client{Transport: rt}}.Namespace("ns")
			_, err := ns.Claim(t.Context(), transport.ClaimRequest{Nodes: []string{"N"}, Max: 1})
			check(t, len(p.reached()), err)
			if rt.Calls(faults.Claim) != 1 {
				t.Errorf("%d calls counted", rt.Calls(faults.Claim))
			}
		})
	}
}

// served is a round tripper to a state manager that answers every request.
func served(p *peer) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		p.note("%s %s", req.URL.Path, body)
		w := httptest.NewRecorder()
		w.Header().Set("x-exosphere-extensions", "report")
		switch {
		case strings.HasSuffix(req.URL.Path, "/enqueue"):
			_, _ = io.WriteString(w, `{"states":[{"state_id":"s"}]}`)
		case strings.HasSuffix(req.URL.Path, "/report"):
			results := strings.Repeat(`{"status":"EXECUTED"},`, strings.Count(string(body), "state_id"))
			_, _ = io.WriteString(w, `{"results":[`+strings.TrimSuffix(results, ",")+`]}`)
		default:
			_, _ = io.WriteString(w, `{"status":"EXECUTED"}`)
		}
		return w.Result(), nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestDropPartMakesHalfOfTheReports(t *testing.T) {
	t.Parallel()
	reports := make([]transport.Report, 4)
	for i := range reports {
		reports[i] = transport.Report{StateID: fmt.Sprint(i), Outcome: transport.Executed{}}
	}
	plan := faults.On(faults.Report, faults.Fault{Kind: faults.DropPart}, 2)

	p := &peer{}
	ns := faults.New(p, plan).Namespace("ns")
	if errs := ns.Report(t.Context(), reports); errs != nil {
		t.Fatal(errs)
	}
	if errs := ns.Report(t.Context(), reports); len(errs) != 4 || !errors.Is(errs[3], faults.ErrInjected) {
		t.Errorf("errors %v", errs)
	}
	if diff := cmp.Diff([]string{"report 0", "report 1", "report 2", "report 3", "report 0", "report 1"}, p.reached()); diff != "" {
		t.Error(diff)
	}

	p = &peer{}
	ns = transport.HTTP{URL: "http://test", Client: &http.Client{Transport: faults.NewRoundTripper(served(p), plan)}}.Namespace("ns")
	_ = ns.Report(t.Context(), reports[:1]) // learns the extensions
	if errs := ns.Report(t.Context(), reports); len(errs) != 4 || !errors.Is(errs[3], faults.ErrInjected) {
		t.Errorf("errors %v", errs)
	}
	if last := p.reached()[1]; strings.Count(last, "state_id") != 2 {
		t.Errorf("sent %s", last)
	}
}

func TestReorderLetsALaterCallPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &peer{}
		sm := faults.New(p, faults.On(faults.Report, faults.Fault{Kind: faults.Reorder}, 1, 3))
		report := func(id string) { _ = sm.Namespace("ns").Report(t.Context(), []transport.Report{{StateID: id}}) }
		var wg sync.WaitGroup
		wg.Go(func() { report("first") })
		synctest.Wait()
		report("second")
		wg.Wait()
		began := time.Now()
		report("third") // which nothing overtakes
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("waited %v", waited)
		}
		if diff := cmp.Diff([]string{"report second", "report first", "report third"}, p.reached()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCutEndsCallsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &peer{}
		sm := faults.New(p, nil)
		ns := sm.Namespace("ns")
		stop := make(chan struct{})
		done := make(chan error, 1)
		go func() {
			_, err := ns.Claim(t.Context(), transport.ClaimRequest{Max: 7, Wait: time.Hour, Stop: stop})
			done <- err
		}()
		synctest.Wait()
		sm.Cut()
		sm.Cut()
		close(stop) // the state manager answers, but nobody hears it
		if err := <-done; !errors.Is(err, faults.ErrInjected) {
			t.Errorf("claim: %v", err)
		}
		if errs := ns.Report(t.Context(), make([]transport.Report, 1)); errs == nil || !errors.Is(errs[0], faults.ErrInjected) {
			t.Errorf("report: %v", errs)
		}
		sm.Mend()
		sm.Mend()
		if errs := ns.Report(t.Context(), []transport.Report{{StateID: "s"}}); errs != nil {
			t.Errorf("report: %v", errs)
		}
		if diff := cmp.Diff([]string{"claim 7", "report s"}, p.reached()); diff != "" {
			t.Error(diff)
		}
	})
}

// A state manager without abilities still has none that work.
func TestAbilitiesAreThoseOfTheOther(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	sm := faults.New(&peer{}, nil)
	ns := sm.Namespace("ns")
	_, beat := ns.(transport.Heartbeater).Heartbeat(ctx, map[string]string{"s": "t"}, time.Second)
	_, all := ns.(transport.StoreBackend).StoreAll(ctx, "s")
	_, _, get := ns.(transport.StoreBackend).StoreGet(ctx, "s", "k")
	_, swap := ns.(transport.StoreBackend).StoreSwap(ctx, "s", "k", nil, "v")
	_, _, run := ns.(transport.RunReader).Run(ctx, "r", 0)
	_, triggers := ns.(transport.TriggerCanceler).CancelTriggers(ctx, "g")
	_, extensions := ns.(transport.Extender).Extensions(ctx)
	_, namespaces := sm.Namespaces(ctx)
	for name, err := range map[string]error{
		"Heartbeat": beat, "StoreAll": all, "StoreGet": get, "StoreSwap": swap, "Run": run, "CancelTriggers": triggers,
		"Extensions": extensions, "Namespaces": namespaces,
		"StoreSet":    ns.(transport.StoreBackend).StoreSet(ctx, "s", "k", "v"),
		"StoreDelete": ns.(transport.StoreBackend).StoreDelete(ctx, "s", "k"),
		"CancelRun":   ns.(transport.Canceler).CancelRun(ctx, "r"),
	} {
		if !errors.Is(err, transport.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPlans(t *testing.T) {
	t.Parallel()
	drop, late := faults.Fault{Kind: faults.DropBefore}, faults.Fault{Late: time.Second}
	plan := faults.Any(faults.First("a", 2, drop), faults.On("a", late, 2, 4), faults.On("b", late))
	var got []faults.Fault
	for n := range 5 {
		got = append(got, plan("a", n+1))
	}
	got = append(got, plan("b", 7), plan("c", 1))
	if diff := cmp.Diff([]faults.Fault{drop, drop, {}, late, {}, late, {}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestSeededPlansAreRepeatableAndAsFrequentAsAsked(t *testing.T) {
	t.Parallel()
	rates := faults.Rates{
		Kinds: map[faults.Kind]float64{faults.DropBefore: 0.1, faults.Refuse: 0.2, faults.Reorder: 0.05},
		Delay: 0.3, MaxDelay: time.Second, Ops: []string{"claim"},
	}
	plan, same, other := faults.Seeded(1, rates), faults.Seeded(1, rates), faults.Seeded(2, rates)
	const calls = 10_000
	found := map[faults.Kind]int{}
	delayed, differ := 0, 0
	for n := range calls {
		f := plan("claim", n)
		if f != same("claim", n) {
			t.Fatalf("call %d: %+v, then %+v", n, f, same("claim", n))
		}
		if f != other("claim", n) {
			differ++
		}
		if f.Delay+f.Late > 0 {
			delayed++
		}
		if f.Delay+f.Late >= time.Second {
			t.Fatalf("waits %+v", f)
		}
		found[f.Kind]++
		if f := plan("report", n); f != (faults.Fault{}) {
			t.Fatalf("fault %+v of an operation that has none", f)
		}
	}
	for k, rate := range map[faults.Kind]float64{faults.DropBefore: 0.1, faults.Refuse: 0.2, faults.Reorder: 0.05, faults.None: 0.65} {
		if got := float64(found[k]) / calls; got < rate-0.02 || got > rate+0.02 {
			t.Errorf("%v: %.3f of the calls, want %.2f", k, got, rate)
		}
	}
	if got := float64(delayed) / calls; got < 0.28 || got > 0.32 {
		t.Errorf("%.3f of the calls are delayed", got)
	}
	if differ < calls/4 {
		t.Errorf("another seed differs in %d calls of %d", differ, calls)
	}
}
