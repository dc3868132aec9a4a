package httpapi

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/graph"
)

// Each fault that the engine finds has its words in the protocol.
func TestFaultsInWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault          graph.Fault
		kind, msg, ctx string
	}{
		{graph.Rule{Text: "No."}, "value_error", "Value error, No.", `{"error":{}}`},
		{graph.Rule{Text: "No.", Reason: "so"}, "value_error", "Value error, No.", `{"error":{},"reason":"so"}`},
		{graph.Missing{Reason: "so"}, "missing", "Field required", `{"reason":"so"}`},
		{graph.Below{Least: 1}, "greater_than_equal", "Input should be greater than or equal to 1", `{"ge":1}`},
		{graph.NotAbove{Bound: 0}, "greater_than", "Input should be greater than 0", `{"gt":0}`},
		{graph.Above{Most: 9}, "less_than_equal", "Input should be less than or equal to 9", `{"le":9}`},
		{graph.NotAmong{Allowed: []string{"A", "B", "C"}}, "enum", "Input should be 'A', 'B' or 'C'", `{"expected":"'A', 'B' or 'C'"}`},
		{graph.TooLong{Most: 5}, "string_too_long", "String should have at most 5 bytes", `{"max_length":5}`},
		{graph.TooMany{Most: 5, Got: 6}, "too_long", "There should be at most 5 items, not 6", `{"actual_length":6,"max_length":5}`},
		{graph.NotObject{Reason: "so"}, "dict_type", "Input should be a valid dictionary", `{"reason":"so"}`},
	} {
		found := graph.Problems{graph.Wrong(c.fault, "x", "nodes", 3, "identifier")}
		got, status, told := appendRefusal(nil, &transport.Error{Status: http.StatusUnprocessableEntity, Message: "m", Err: found})
		want := `{"detail":[{"type":"` + c.kind + `","loc":["body","nodes",3,"identifier"],"msg":"` + c.msg + `","input":"x","ctx":` + c.ctx + `}]}`
		if diff := cmp.Diff(want, string(got)); diff != "" || status != http.StatusUnprocessableEntity || !told {
			t.Errorf("%#v: %d (-want +got):\n%s", c.fault, status, diff)
		}
	}
}
