package transport_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/exospherehost/exo-go/exo/transport"
)

// claimAnswer is an answer of n states, each with 200 bytes of inputs.
func claimAnswer(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"count":%d,"namespace":"bench","status":"QUEUED","states":[`, n)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"state_id":"%024x","node_name":"Save","identifier":"save","inputs":{"url":"https://example.com/%d","body":%q},`+
			`"created_at":"2026-11-23T02:12:17.812000","graph_name":"crawl","run_id":"7bc303fb-552d-4a0b-81bb-ebb94878e82e","attempt":0,`+
			`"lease_ms":60000,"lease_token":"%016x"}`, i, i, strings.Repeat("x", 150), i)
	}
	b.WriteString("]}")
	return b.String()
}

// BenchmarkClaim compares a claim with the bare round trip of the same bodies.
func BenchmarkClaim(b *testing.B) {
	for _, n := range []int{0, 1, 16, 256} {
		body := claimAnswer(n)
		benchmarkCall(b, fmt.Sprintf("states=%d", n), "/v0/namespace/bench/states/enqueue",
			`{"nodes":["Save","Fetch"],"batch_size":16,"wait_ms":20000,"lease_ms":60000}`, body,
			func(t transport.Transport) error {
				states, err := t.Claim(context.Background(), transport.ClaimRequest{Nodes: []string{"Save", "Fetch"}, Max: 16, Wait: 20e9, Lease: 60e9})
				if err == nil && len(states) != n {
					err = fmt.Errorf("%d states", len(states))
				}
				return err
			})
	}
}

// BenchmarkReport compares a report with the bare round trip of the same bodies.
func BenchmarkReport(b *testing.B) {
	output := transport.Object(`{"path":"/var/data/1","sum":"` + strings.Repeat("a", 64) + `"}`)
	for _, n := range []int{1, 16, 256} {
		reports := make([]transport.Report, n)
		for i := range reports {
			reports[i] = transport.Report{StateID: fmt.Sprintf("%024x", i), Token: fmt.Sprintf("%016x", i), Outcome: transport.Executed{Outputs: []transport.Object{output}}}
		}
		one := fmt.Sprintf(`{"outputs":[%s],"lease_token":"%016x"}`, output, 0)
		answer, path, body := `{"status":"EXECUTED"}`, "/v0/namespace/bench/state/"+reports[0].StateID+"/executed", one
		if n > 1 {
			answer = `{"results":[` + strings.TrimSuffix(strings.Repeat(answer+",", n), ",") + `]}`
			path = "/v0/namespace/bench/states/report"
			body = `{"reports":[` + strings.TrimSuffix(strings.Repeat(fmt.Sprintf(
				`{"state_id":"%024x","lease_token":"%016x","executed":{"outputs":[%s]}},`, 0, 0, output), n), ",") + `]}`
		}
		benchmarkCall(b, fmt.Sprintf("reports=%d", n), path, body, answer, func(t transport.Transport) error {
			for _, err := range t.Report(context.Background(), reports) {
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func benchmarkCall(b *testing.B, name, path, request, answer string, call func(transport.Transport) error) {
	b.Helper()
	raw := []byte(answer)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("x-exosphere-extensions", "wait, lease, report, attempt")
		_, _ = w.Write(raw)
	}))
	defer server.Close()
	client := server.Client()
	b.Run(name+"/bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			req, err := http.NewRequest(http.MethodPost, server.URL+path, strings.NewReader(request))
			if err != nil {
				b.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("X-Api-Key", "benchmark-key")
			resp, err := client.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			var buf bytes.Buffer
			if _, err := buf.ReadFrom(resp.Body); err != nil {
				b.Fatal(err)
			}
			_ = resp.Body.Close()
			if buf.Len() != len(raw) {
				b.Fatal(buf.Len())
			}
		}
	})
	b.Run(name+"/exo", func(b *testing.B) {
		h := &transport.HTTP{URL: server.URL, APIKey: "benchmark-key", Client: client}
		t := h.Namespace("bench")
		_ = t.Register(b.Context(), "bench", nil) // learns the extensions
		b.ReportAllocs()
		for b.Loop() {
			if err := call(t); err != nil {
				b.Fatal(err)
			}
		}
	})
}
