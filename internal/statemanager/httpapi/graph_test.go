package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
)

// What breaks a rule of a field comes before an input that is not a string, and
// of several such inputs one is told, always the same.
func TestInputsThatAreNotStrings(t *testing.T) {
	t.Parallel()
	const node = `{"node_name":"Upper","namespace":"etl","identifier":"u","inputs":{"b":2,"a":1,"c":3}`
	for _, c := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"alone", `{"secrets":{},"nodes":[` + node + `}]}`, http.StatusBadRequest, "Input 1 is not a string"},
		{
			"with an empty identifier", `{"secrets":{},"nodes":[` + node + `},{"node_name":"Upper","namespace":"etl","identifier":" ","inputs":{}}]}`,
			http.StatusUnprocessableEntity, `"loc":["body","nodes",1,"identifier"]`,
		},
		{
			"with a bad trigger", `{"secrets":{},"nodes":[` + node + `}],"triggers":[{"type":"CRON","value":{"expression":"never"}}]}`,
			http.StatusUnprocessableEntity, "Invalid cron expression",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newTestServer(t, testOptions{})
			for range 5 { // maps have no order
				w := s.do(t, request(http.MethodPut, "/v0/namespace/etl/graph/g", c.body))
				if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
					t.Errorf("%d %s, want %d and %q", w.Code, w.Body, c.status, c.want)
				}
			}
		})
	}
}

// A field without a name is none that a schema has: the graph is stored.
func TestOutputWithoutName(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, testOptions{})
	s.must(t, http.MethodPut, "/nodes/", `{"runtime_name":"r","nodes":[{"name":"Upper","inputs_schema":{},"outputs_schema":{},"secrets":[]}]}`)
	s.must(t, http.MethodPut, "/graph/g", `{"secrets":{},"nodes":[
		{"node_name":"Upper","namespace":"etl","identifier":"r","inputs":{},"next_nodes":["u"]},
		{"node_name":"Upper","namespace":"etl","identifier":"u","inputs":{"x":"${{ r.outputs. }}${{ r.outputs. }}"}}]}`)
	const want = `"validation_status":"INVALID","validation_errors":["Field  in node Upper in namespace etl does not exist"]`
	if got := s.must(t, http.MethodGet, "/graph/g", ""); !strings.Contains(got, want) {
		t.Errorf("the graph is %s", got)
	}
}
