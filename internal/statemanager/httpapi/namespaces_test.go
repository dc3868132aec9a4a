package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
)

// Every endpoint that names a state, a run or a graph answers 404 to one of
// another namespace, as if it were not there.
func TestOtherNamespaces(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, testOptions{extensions: true})
	s.must(t, http.MethodPut, "/nodes/", `{"runtime_name":"r","nodes":[{"name":"Upper","inputs_schema":{},"outputs_schema":{},"secrets":[]}]}`)
	s.must(t, http.MethodPut, "/graph/g", `{"secrets":{},"nodes":[{"node_name":"Upper","namespace":"etl","identifier":"u","inputs":{}}]}`)
	run := runID.FindString(field(t, s.must(t, http.MethodPost, "/graph/g/trigger", `{}`), "run_id"))
	claimed := s.must(t, http.MethodPost, "/states/enqueue", `{"nodes":["Upper"],"batch_size":1,"lease_ms":1000}`)
	id, lease := field(t, claimed, "state_id"), field(t, claimed, "lease_token")

	token := `"lease_token":"` + lease + `"`
	calls := []struct{ method, path, body string }{
		{http.MethodPost, "/state/{state}/executed", `{"outputs":[],` + token + `}`},
		{http.MethodPost, "/state/{state}/errored", `{"error":"e",` + token + `}`},
		{http.MethodPost, "/state/{state}/prune", `{"data":{},` + token + `}`},
		{http.MethodPost, "/state/{state}/re-enqueue-after", `{"enqueue_after":1,` + token + `}`},
		{http.MethodPost, "/state/{state}/manual-retry", `{"fanout_id":"f","force":true}`},
		{http.MethodGet, "/state/{state}/secrets", ""},
		{http.MethodGet, "/state/{state}/store", ""},
		{http.MethodGet, "/state/{state}/store/k", ""},
		{http.MethodPut, "/state/{state}/store/k", `{"value":"v"}`},
		{http.MethodDelete, "/state/{state}/store/k", ""},
		{http.MethodGet, "/graph/g", ""},
		{http.MethodPost, "/graph/g/trigger", `{}`},
		{http.MethodDelete, "/graph/g/triggers", ""},
		{http.MethodGet, "/states/run/{run}/graph", ""},
		{http.MethodGet, "/graph/g/run/{run}/node/{state}", ""},
		{http.MethodGet, "/run/{run}", ""},
		{http.MethodGet, "/run/{run}?wait_ms=1", ""},
		{http.MethodPost, "/run/{run}/cancel", ""},
	}
	fill := strings.NewReplacer("{state}", id, "{run}", run)
	for _, c := range calls {
		w := s.do(t, request(c.method, "/v0/namespace/ops"+fill.Replace(c.path), c.body))
		if w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "Not Found") {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
	w := s.do(t, request(http.MethodPost, "/v0/namespace/ops/states/report",
		fill.Replace(`{"reports":[{"state_id":"{state}",`+token+`,"executed":{"outputs":[]}}]}`)))
	if got := w.Body.String(); got != `{"results":[{"code":404,"detail":"State not found"}]}` {
		t.Errorf("report: %s", got)
	}
	w = s.do(t, request(http.MethodPost, "/v0/namespace/ops/states/heartbeat", fill.Replace(`{"leases":{"{state}":"`+lease+`"},"lease_ms":1000}`)))
	if got := w.Body.String(); got != `{"lost":["`+id+`"]}` {
		t.Errorf("heartbeat: %s", got)
	}
	for _, list := range []string{"/nodes/", "/graphs/", "/runs/1/10"} {
		if w := s.do(t, request(http.MethodGet, "/v0/namespace/ops"+list, "")); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "Upper") {
			t.Errorf("%s: %d %s", list, w.Code, w.Body)
		}
	}
	if got := s.must(t, http.MethodPost, "/state/"+id+"/executed", `{"outputs":[],`+token+`}`); got != `{"status":"EXECUTED"}` {
		t.Errorf("in its own: %s", got)
	}
}

// field finds the first string of that name in an answer.
func field(t *testing.T, answer, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(answer, `"`+name+`":"`)
	value, _, closed := strings.Cut(rest, `"`)
	if !ok || !closed {
		t.Fatalf("no %s in %s", name, answer)
	}
	return value
}
