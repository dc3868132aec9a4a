package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// FuzzBody sends anything to every endpoint that reads a body. None of it is a
// fault of the server's, and every answer is one that clients can read.
func FuzzBody(f *testing.F) {
	calls := []struct{ method, path string }{
		{http.MethodPut, "/nodes/"},
		{http.MethodPost, "/states/enqueue"},
		{http.MethodPost, "/state/{id}/executed"},
		{http.MethodPost, "/state/{id}/errored"},
		{http.MethodPost, "/state/{id}/prune"},
		{http.MethodPost, "/state/{id}/re-enqueue-after"},
		{http.MethodPost, "/state/{id}/manual-retry"},
		{http.MethodPut, "/graph/g"},
		{http.MethodPost, "/graph/g/trigger"},
		{http.MethodPost, "/states/heartbeat"},
		{http.MethodPost, "/states/report"},
		{http.MethodPost, "/states/wake"},
		{http.MethodPut, "/state/{id}/store/k"},
	}
	bodies := []string{
		`{"runtime_name":"r","nodes":[{"name":"Upper","inputs_schema":{"properties":{"text":{"type":"string"}}},"outputs_schema":{},"secrets":["s"]}]}`,
		`{"nodes":["Upper"],"batch_size":"3","wait_ms":1,"lease_ms":1e3}`,
		`{"outputs":[{"text":"x"},{}],"lease_token":"t"}`, `{"error":"e","permanent":true}`, `{"data":{"a":[1,null]}}`, `{"enqueue_after":1}`,
		`{"fanout_id":"f","force":true}`,
		`{"secrets":{"s":"v"},"nodes":[{"node_name":"Upper","namespace":"etl","identifier":"u","inputs":{"text":"${{ store.k }}"},"next_nodes":["v"]},` +
			`{"node_name":"Upper","namespace":"etl","identifier":"v","inputs":{"text":"${{ u.outputs.text }}"},"unites":{"identifier":"u"}}],` +
			`"retry_policy":{"max_retries":1,"max_delay":null},"store_config":{"required_keys":["k"]},"triggers":[{"type":"CRON","value":{"expression":"* * * * *"}}]}`,
		`{"store":{"k":"v"},"inputs":{},"start_delay":5}`, `{"leases":{"a":"b"},"lease_ms":5}`,
		`{"reports":[{"state_id":"x","executed":{"outputs":[]}},{"state_id":"y","prune":{"data":{}}},{}]}`, `{"wait_id":"w"}`, `{"value":"v","if":null}`,
		``, `null`, `{`, `[]`, `"é\ud800"`,
	}
	for i := range calls {
		for _, b := range bodies {
			f.Add(uint8(i), b)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		s := newTestServer(t, testOptions{extensions: true})
		prepare := func(method, path, body string) string {
			w := s.do(t, request(method, "/v0/namespace/etl"+path, body))
			if w.Code >= 300 {
				t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
			}
			return w.Body.String()
		}
		prepare(http.MethodPut, "/nodes/", `{"runtime_name":"r","nodes":[{"name":"Upper","inputs_schema":{},"outputs_schema":{},"secrets":[]}]}`)
		prepare(http.MethodPut, "/graph/g", `{"secrets":{},"nodes":[{"node_name":"Upper","namespace":"etl","identifier":"u","inputs":{}}]}`)
		prepare(http.MethodPost, "/graph/g/trigger", `{}`)
		id := field(t, prepare(http.MethodPost, "/states/enqueue", `{"nodes":["Upper"],"batch_size":1}`), "state_id")

		call := calls[int(which)%len(calls)]
		w := s.do(t, request(call.method, "/v0/namespace/etl"+strings.Replace(call.path, "{id}", id, 1), body))
		if w.Code >= 500 {
			t.Fatalf("%s %s %q: %d %s", call.method, call.path, body, w.Code, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%s %s %q: %d, and no JSON: %q", call.method, call.path, body, w.Code, w.Body)
		}
		if w.Code == http.StatusUnprocessableEntity {
			var refusal struct {
				Detail []struct {
					Type, Msg string
					Loc       []any
				}
			}
			if err := json.Unmarshal(w.Body.Bytes(), &refusal); err != nil || len(refusal.Detail) == 0 {
				t.Fatalf("%s %s %q: %v in %s", call.method, call.path, body, err, w.Body)
			}
			for _, p := range refusal.Detail {
				if p.Type == "" || p.Msg == "" || len(p.Loc) == 0 || p.Loc[0] != "body" {
					t.Fatalf("%s %s %q: %+v", call.method, call.path, body, p)
				}
			}
		}
	})
}
