package httpapi_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A sink is a ResponseWriter that keeps the body in a buffer of its own.
type sink struct {
	header http.Header
	body   []byte
	status int
}

func (s *sink) Header() http.Header { return s.header }
func (s *sink) WriteHeader(n int)   { s.status = n }

func (s *sink) Write(b []byte) (int, error) {
	s.body = append(s.body[:0], b...)
	return len(b), nil
}

// A caller makes one request after the other without a network.
type caller struct {
	tb      testing.TB
	handler http.Handler
	sink    sink
	request http.Request
	body    bytes.Reader
}

func newCaller(tb testing.TB) *caller {
	tb.Helper()
	c := &caller{tb: tb, handler: newTestServer(tb, testOptions{extensions: true})}
	c.sink.header = http.Header{}
	c.request = http.Request{
		Method: http.MethodPost, Body: io.NopCloser(&c.body),
		Header: http.Header{"X-Api-Key": {testKey}, "Content-Type": {"application/json"}},
	}
	return c
}

func (c *caller) call(method string, u *url.URL, body []byte) []byte {
	clear(c.sink.header)
	c.body.Reset(body)
	c.request.Method, c.request.URL, c.request.ContentLength = method, u, int64(len(body))
	c.handler.ServeHTTP(&c.sink, &c.request)
	if c.sink.status >= 300 {
		c.tb.Fatalf("%s %s: %d %s", method, u, c.sink.status, c.sink.body)
	}
	return c.sink.body
}

func at(path string) *url.URL { return &url.URL{Path: "/v0/namespace/etl" + path} }

var (
	benchEnqueue = at("/states/enqueue")
	benchReport  = at("/states/report")
)

func (c *caller) prepare() {
	c.call(http.MethodPut, at("/nodes/"), []byte(`{"runtime_name":"r","nodes":[{"name":"Upper","inputs_schema":{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]},`+
		`"outputs_schema":{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]},"secrets":[]}]}`))
	c.call(http.MethodPut, at("/graph/g"), []byte(`{"secrets":{},"nodes":[{"node_name":"Upper","namespace":"etl","identifier":"u","inputs":{"text":"some text to be upper-cased"}}]}`))
}

func BenchmarkEnqueueNothing(b *testing.B) {
	c := newCaller(b)
	body := []byte(`{"nodes":["Split","Count","Upper","Merge"],"batch_size":16,"wait_ms":0,"lease_ms":30000}`)
	b.ReportAllocs()
	for b.Loop() {
		c.call(http.MethodPost, benchEnqueue, body)
	}
}

// BenchmarkState is one state's way: trigger, claim, report.
func BenchmarkState(b *testing.B) {
	c := newCaller(b)
	c.prepare()
	trigger, claim := at("/graph/g/trigger"), []byte(`{"nodes":["Upper"],"batch_size":1}`)
	executed, outputs := at(""), []byte(`{"outputs":[{"text":"SOME TEXT TO BE UPPER-CASED"}]}`)
	b.ReportAllocs()
	for b.Loop() {
		c.call(http.MethodPost, trigger, []byte(`{}`))
		claimed := c.call(http.MethodPost, benchEnqueue, claim)
		i := bytes.Index(claimed, []byte(`"state_id":"`)) + len(`"state_id":"`)
		executed.Path = "/v0/namespace/etl/state/" + string(claimed[i:i+24]) + "/executed"
		c.call(http.MethodPost, executed, outputs)
	}
}

// BenchmarkBatch claims and reports states by hundreds. One op is one state.
func BenchmarkBatch(b *testing.B) {
	const batch = 100
	c := newCaller(b)
	c.prepare()
	trigger, claim := at("/graph/g/trigger"), fmt.Appendf(nil, `{"nodes":["Upper"],"batch_size":%d,"lease_ms":30000}`, batch)
	var body []byte
	b.ReportAllocs()
	for n := 0; n < b.N; n += batch {
		b.StopTimer()
		for range batch {
			c.call(http.MethodPost, trigger, []byte(`{}`))
		}
		b.StartTimer()
		claimed := string(c.call(http.MethodPost, benchEnqueue, claim))
		body = append(body[:0], `{"reports":[`...)
		for i := 0; ; i++ {
			_, rest, ok := strings.Cut(claimed, `"state_id":"`)
			if !ok {
				break
			}
			if i > 0 {
				body = append(body, ',')
			}
			_, token, _ := strings.Cut(rest, `"lease_token":"`)
			token, _, _ = strings.Cut(token, `"`)
			body = fmt.Appendf(body, `{"state_id":%q,"lease_token":%q,"executed":{"outputs":[{"text":"SOME TEXT TO BE UPPER-CASED"}]}}`, rest[:24], token)
			claimed = rest
		}
		body = append(body, `]}`...)
		if answer := c.call(http.MethodPost, benchReport, body); bytes.Count(answer, []byte(`EXECUTED`)) != batch {
			b.Fatalf("%.300s", answer)
		}
	}
}
