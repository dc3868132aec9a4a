package transport_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/google/go-cmp/cmp"
)

func executed(n int) []transport.Report {
	reports := make([]transport.Report, n)
	for i := range reports {
		reports[i] = transport.Report{StateID: fmt.Sprint("s", i), Outcome: transport.Executed{}}
	}
	return reports
}

// Every third report is refused, with a status of its own.
func refusal(id string) (status int, body string) {
	var n int
	_, _ = fmt.Sscanf(id, "s%d", &n)
	if n%3 == 0 {
		return 400 + n, fmt.Sprintf("no %d", n)
	}
	return http.StatusOK, ""
}

func checkRefusals(t *testing.T, reports []transport.Report, errs []error) {
	t.Helper()
	if len(errs) != len(reports) {
		t.Fatalf("%d errors for %d reports", len(errs), len(reports))
	}
	for i, err := range errs {
		status, message := refusal(reports[i].StateID)
		var e *transport.Error
		switch {
		case status == http.StatusOK && err != nil:
			t.Errorf("%d: %v", i, err)
		case status != http.StatusOK && (!errors.As(err, &e) || e.Op != "report" || e.Status != status || e.Message != message):
			t.Errorf("%d: %#v, want %d %q", i, err, status, message)
		}
	}
}

func TestReportsWithoutTheExtensionAreParallelAndKeepTheirOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var now, most, total atomic.Int64
		ns := roundTrip(func(r *http.Request) (*http.Response, error) {
			total.Add(1)
			for n := now.Add(1); ; {
				if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
					break
				}
			}
			defer now.Add(-1)
			time.Sleep(time.Second)
			status, detail := refusal(strings.Split(r.URL.Path, "/")[5])
			answer := response(status, `{"status":"EXECUTED","detail":"`+detail+`"}`)
			answer.Header.Del("x-exosphere-extensions")
			return answer, nil
		}).namespace("ns")
		reports := executed(100)
		start := time.Now()
		checkRefusals(t, reports, ns.Report(t.Context(), reports))
		if most.Load() != 32 || total.Load() != 100 || time.Since(start) != 4*time.Second {
			t.Errorf("%d calls, %d at once, in %v", total.Load(), most.Load(), time.Since(start))
		}
	})
}

// batches is a state manager with the report extension.
type batches struct {
	sizes []int
	bytes []int
}

func (b *batches) namespace(t *testing.T) transport.Transport {
	t.Helper()
	ns := roundTrip(func(r *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(r.URL.Path, "/states/report") {
			return response(http.StatusOK, anyAnswer), nil
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		var req struct {
			Reports []struct {
				ID string `json:"state_id"`
			} `json:"reports"`
		}
		if err := json.Unmarshal(body, &req); err != nil {
			return nil, err
		}
		b.sizes, b.bytes = append(b.sizes, len(req.Reports)), append(b.bytes, len(body))
		var results []string
		for _, report := range req.Reports {
			if status, detail := refusal(report.ID); status != http.StatusOK {
				results = append(results, fmt.Sprintf(`{"code":%d,"detail":%q}`, status, detail))
			} else {
				results = append(results, `{"status":"EXECUTED"}`)
			}
		}
		return response(http.StatusOK, `{"results":[`+strings.Join(results, ",")+`]}`), nil
	}).namespace("ns")
	if _, err := ns.Nodes(t.Context()); err != nil {
		t.Fatal(err)
	}
	return ns
}

func TestReportsWithTheExtension(t *testing.T) {
	t.Parallel()
	for n, sizes := range map[int][]int{2: {2}, 1000: {1000}, 1001: {1000, 1}, 2500: {1000, 1000, 500}} {
		b := &batches{}
		ns := b.namespace(t)
		reports := executed(n)
		checkRefusals(t, reports, ns.Report(t.Context(), reports))
		if diff := cmp.Diff(sizes, b.sizes); diff != "" {
			t.Errorf("%d reports: %s", n, diff)
		}
	}
}

func TestReportsThatAreAllTakenAreNil(t *testing.T) {
	t.Parallel()
	b := &batches{}
	reports := []transport.Report{{StateID: "s1", Outcome: transport.Executed{}}, {StateID: "s2", Outcome: transport.Pruned{}}}
	if errs := b.namespace(t).Report(t.Context(), reports); errs != nil {
		t.Error(errs)
	}
}

func TestBatchesAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	b := &batches{}
	ns := b.namespace(t)
	big := transport.Object(`{"x":"` + strings.Repeat("y", 1<<20) + `"}`)
	huge := transport.Object(`{"x":"` + strings.Repeat("y", 5<<20) + `"}`)
	reports := executed(7)
	for i := range reports {
		reports[i].Outcome = transport.Executed{Outputs: []transport.Object{big}}
	}
	reports[4].Outcome = transport.Executed{Outputs: []transport.Object{huge}}
	checkRefusals(t, reports, ns.Report(t.Context(), reports))
	if diff := cmp.Diff([]int{3, 1, 1, 2}, b.sizes); diff != "" {
		t.Error(diff)
	}
}

// A report that cannot be sent must not spoil those beside it.
func TestReportsThatCannotBeSent(t *testing.T) {
	t.Parallel()
	for _, batch := range []bool{true, false} {
		reports := []transport.Report{
			{StateID: "s1", Outcome: transport.Executed{}},
			{StateID: "s2", Outcome: transport.Executed{Outputs: []transport.Object{transport.Object(`{"a":`)}}},
			{StateID: "s4", Outcome: transport.Executed{Outputs: []transport.Object{transport.Object(`"text"`)}}},
			{StateID: "s5", Outcome: transport.Executed{Outputs: []transport.Object{transport.Object(`{} {}`)}}},
			{StateID: "s7", Outcome: transport.Pruned{Data: map[string]any{"f": func() {}}}},
			{StateID: "s8"},
			{Outcome: transport.Executed{}},
			{StateID: "s10", Outcome: transport.Executed{}},
		}
		var ns transport.Transport
		b := &batches{}
		if batch {
			ns = b.namespace(t)
		} else {
			ns = newPeer(t, speaks("-", anyAnswer)).namespace("ns")
		}
		errs := ns.Report(t.Context(), reports)
		for i, err := range errs {
			if i == 0 || i == 7 {
				if err != nil {
					t.Errorf("batch %v, %d: %v", batch, i, err)
				}
				continue
			}
			checkRefused(t, err, "state")
		}
		if batch && !cmp.Equal(b.sizes, []int{2}) {
			t.Errorf("sent %v", b.sizes)
		}
	}
	b := &batches{}
	if errs := b.namespace(t).Report(t.Context(), []transport.Report{{StateID: "a"}, {StateID: "b"}}); len(errs) != 2 || len(b.sizes) != 0 {
		t.Errorf("%v, sent %v", errs, b.sizes)
	}
}

func TestBatchThatFailsAsAWhole(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, answer string
		status       int
		temporary    bool
	}{
		{"refused", `{"detail":"Invalid API key"}`, 401, false},
		{"unavailable", ``, 503, true},
		{"garbage", `<html>`, 200, true},
		{"no results", `{}`, 200, true},
		{"null", `{"results":null}`, 200, true},
		{"too few", `{"results":[{"status":"EXECUTED"}]}`, 200, true},
		{"too many", `{"results":[{"status":"EXECUTED"},{"status":"EXECUTED"},{"status":"EXECUTED"}]}`, 200, true},
		{"says nothing", `{"results":[{"status":"EXECUTED"},{}]}`, 200, true},
		{"no object", `{"results":[{"status":"EXECUTED"},17]}`, 200, true},
	}
	for _, tt := range tests {
		p := newPeer(t, replies(http.StatusOK, `{"nodes":[]}`))
		ns := p.namespace("ns")
		if _, err := ns.Nodes(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.answer = replies(tt.status, tt.answer)
		errs := ns.Report(t.Context(), executed(2))
		if len(errs) != 2 {
			t.Fatalf("%s: %v", tt.name, errs)
		}
		for _, err := range errs {
			var e *transport.Error
			if !errors.As(err, &e) || e.Status != tt.status || e.Op != "report" || e.Temporary() != tt.temporary {
				t.Errorf("%s: %#v", tt.name, err)
			}
		}
	}
}

// Outcomes must not be lost because the state manager was replaced by an older
// one, which answers 404 to what it does not know.
func TestBatchToAStateManagerThatLostTheExtension(t *testing.T) {
	t.Parallel()
	p := newPeer(t, speaks("report", anyAnswer))
	ns := p.namespace("ns")
	if _, err := ns.Nodes(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.answer = func(w http.ResponseWriter, r *http.Request) {
		id := strings.Split(r.URL.Path, "/")[5]
		switch status, detail := refusal(id); {
		case id == "report":
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"detail":"Not Found"}`)
		case status == http.StatusOK:
			_, _ = io.WriteString(w, `{"status":"EXECUTED"}`)
		default:
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"detail":%q}`, detail)
		}
	}
	reports := executed(10)
	checkRefusals(t, reports, ns.Report(t.Context(), reports))
}

func TestFieldsOfABatchThatBreakARule(t *testing.T) {
	t.Parallel()
	p := newPeer(t, replies(http.StatusOK, `{"results":[{"status":"EXECUTED"},{"code":422,"detail":[{"loc":["body","outputs",0],"msg":"Input should be a valid dictionary","input":"secret"}]}],"nodes":[]}`))
	ns := p.namespace("ns")
	if _, err := ns.Nodes(t.Context()); err != nil {
		t.Fatal(err)
	}
	errs := ns.Report(t.Context(), executed(2))
	if len(errs) != 2 || errs[0] != nil || errs[1] == nil || errs[1].Error() != "report: body.outputs.0: Input should be a valid dictionary" {
		t.Error(errs)
	}
}

func TestReportsOfACancelledCaller(t *testing.T) {
	t.Parallel()
	p := newPeer(t, speaks("-", anyAnswer))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range p.namespace("ns").Report(ctx, executed(40)) {
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

// What the caller vouches for is sent as it is.
func TestCheckedOutputsAreNotCheckedAgain(t *testing.T) {
	t.Parallel()
	var sent []byte
	ns := roundTrip(func(req *http.Request) (*http.Response, error) {
		sent, _ = io.ReadAll(req.Body)
		return response(http.StatusOK, `{"status":"EXECUTED"}`), nil
	}).namespace("ns")
	report := func(checked bool) []error {
		return ns.Report(t.Context(), []transport.Report{{StateID: "s", Outcome: transport.Executed{
			Outputs: []transport.Object{transport.Object(`{"a":`)}, Checked: checked,
		}}})
	}
	if errs := report(true); errs != nil || string(sent) != `{"outputs":[{"a":]}` {
		t.Errorf("%v, sent %s", errs, sent)
	}
	sent = nil
	if errs := report(false); len(errs) != 1 || sent != nil || !strings.Contains(errs[0].Error(), "output 0: malformed JSON at byte 5: want a value") {
		t.Errorf("%v, sent %s", errs, sent)
	}
}
