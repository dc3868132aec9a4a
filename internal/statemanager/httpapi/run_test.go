package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// A large run is read in parts, none of which lacks or repeats a state.
func TestRunInParts(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, testOptions{extensions: true})
	s.must(t, http.MethodPut, "/nodes/", `{"runtime_name":"r","nodes":[{"name":"Split","inputs_schema":{},"outputs_schema":{},"secrets":[]}]}`)
	s.must(t, http.MethodPut, "/graph/g", `{"secrets":{},"nodes":[{"node_name":"Split","namespace":"etl","identifier":"s","inputs":{}}]}`)
	run := field(t, s.must(t, http.MethodPost, "/graph/g/trigger", `{}`), "run_id")
	for query, want := range map[string]int{"": 1, "?size=0": 0, "?pending_size=0": 0, "?pending_size=5": 1, "?size=0&pending_size=5": 0} {
		if text := s.must(t, http.MethodGet, "/run/"+run+query, ""); strings.Count(text, `"inputs"`) != want || !strings.Contains(text, `"states":[`) {
			t.Errorf("pending, %s: %s, want %d states", query, text, want)
		}
	}
	claimed := s.must(t, http.MethodPost, "/states/enqueue", `{"nodes":["Split"],"batch_size":1}`)
	s.must(t, http.MethodPost, "/state/"+field(t, claimed, "state_id")+"/executed", `{"outputs":[{},{},{},{},{}]}`)

	states := func(query string) (ids []string) {
		t.Helper()
		var answer struct {
			Total  int `json:"total_count"`
			States []struct {
				ID string `json:"id"`
			} `json:"states"`
		}
		text := s.must(t, http.MethodGet, "/run/"+run+query, "")
		if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Total != 5 || answer.States == nil {
			t.Fatalf("%s: %v: %s", query, err, text)
		}
		for _, s := range answer.States {
			ids = append(ids, s.ID)
		}
		return ids
	}
	all := states("")
	if len(all) != 5 {
		t.Fatalf("%d states", len(all))
	}
	for query, want := range map[string][]string{
		"?size=2":                   all[:2],
		"?from=2&size=2":            all[2:4],
		"?from=4&size=2&wait_ms=10": all[4:],
		"?from=3":                   all[3:],
		"?size=5":                   all,
		"?size=99":                  all,
		"?from=5&size=2":            nil,
		"?size=0":                   nil,
		"?size=4&pending_size=3":    all[:4], // it is pending no more
		"?from=99":                  nil,
		"?from=9223372036854775807&size=9223372036854775807": nil,
	} {
		if got := states(query); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	for _, query := range []string{"?from=-1", "?size=-1", "?size=x", "?pending_size=-1", "?from=1.5"} {
		if w := s.do(t, request(http.MethodGet, "/v0/namespace/etl/run/"+run+query, "")); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}
