package transport_test

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/google/go-cmp/cmp"
)

var uuid4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// at is a time of the wire tests.
var at = time.Date(2026, 11, 23, 2, 6, 18, 311409000, time.UTC)

type exchange struct {
	name   string
	call   func(ctx context.Context, t transport.Transport) (any, error)
	method string
	uri    string
	body   string // "" for none
	status int    // 200 when 0
	answer string
	want   any
}

func ok(err error) (any, error) { return nil, err }

func exchanges() []exchange {
	type ctx = context.Context
	old := "a"
	graph := `{"nodes":[{"node_name":"A","namespace":"other","identifier":"a","inputs":{"x":"y"},"next_nodes":["b"],"unites":null},` +
		`{"node_name":"B","namespace":"ns","identifier":"b","inputs":{},"next_nodes":[],"unites":{"identifier":"a","strategy":"ALL_DONE"}}],` +
		`"secrets":{"token":true,"key":true},"retry_policy":{"max_retries":1,"strategy":"FIXED","backoff_factor":1500,"exponent":2,"max_delay":null},` +
		`"store_config":{"required_keys":["k"],"default_values":{"d":"v"}},"triggers":[{"type":"CRON","value":{"expression":"* * * * *","timezone":"Europe/Berlin"}}],` +
		`"created_at":"2026-11-23T02:06:18.311409","updated_at":"2026-11-23T03:06:18.311409+01:00","validation_status":"INVALID","validation_errors":["Node A does not exist."]}`
	status := transport.GraphInfo{
		Name: "g", Namespace: "ns",
		Nodes: []transport.Placement{
			{Node: "A", Namespace: "other", Identifier: "a", Inputs: map[string]string{"x": "y"}, Next: []string{"b"}},
			{Node: "B", Namespace: "ns", Identifier: "b", Inputs: map[string]string{}, Next: []string{}, Unites: &transport.Unites{Identifier: "a", Strategy: transport.AllDone}},
		},
		SecretNames: []string{"key", "token"},
		Retry:       transport.RetryPolicy{MaxRetries: 1, Strategy: transport.Fixed, Backoff: 1500 * time.Millisecond, Exponent: 2},
		Store:       transport.StoreConfig{RequiredKeys: []string{"k"}, DefaultValues: map[string]string{"d": "v"}},
		Triggers:    []transport.CronTrigger{{Expression: "* * * * *", Timezone: "Europe/Berlin"}},
		CreatedAt:   at, UpdatedAt: at, Status: transport.Invalid, Errors: []string{"Node A does not exist."},
	}
	detail := `{"id":"s1","node_name":"N","identifier":"n","graph_name":"g","run_id":"r","status":"PRUNED","inputs":{"b":"1","a":"2"},` +
		`"outputs":{},"error":null,"data":{"why":1},"parents":{"z":"p1","a":"p2"},"attempt":2,"created_at":"2026-11-23T02:06:18.311409","updated_at":"2026-11-23T02:06:18.311409Z"}`
	state := transport.State{
		ID: "s1", Node: "N", Identifier: "n", Graph: "g", RunID: "r", Status: transport.StatusPruned,
		Inputs: transport.Object(`{"b":"1","a":"2"}`), Outputs: transport.Object(`{}`), Data: json.RawMessage(`{"why":1}`),
		Parents: transport.Parents{{Identifier: "z", StateID: "p1"}, {Identifier: "a", StateID: "p2"}}, Attempt: 2, CreatedAt: at, UpdatedAt: at,
	}
	run := `"run_id":"r","graph_name":"g","success_count":1,"pending_count":2,"errored_count":3,"retried_count":4,"total_count":10,"status":"PENDING","created_at":"2026-11-23T02:06:18.311409"`
	info := transport.RunInfo{ID: "r", Graph: "g", Status: transport.RunPending, Success: 1, Pending: 2, Errored: 3, Retried: 4, Total: 10, CreatedAt: at}
	over := info
	over.Status = transport.RunSuccess
	return []exchange{
		{
			name: "register",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return ok(t.Register(ctx, "rt", []transport.NodeSpec{
					{Name: "A", InputsSchema: json.RawMessage(`{"type":"object"}`), OutputsSchema: json.RawMessage(`{"x":1}`), Secrets: []string{"key"}},
					{Name: "B"},
				}))
			},
			method: "PUT", uri: "/v0/namespace/ns/nodes/",
			body: `{"runtime_name":"rt","runtime_namespace":"ns","nodes":[
				{"name":"A","namespace":"ns","inputs_schema":{"type":"object"},"outputs_schema":{"x":1},"secrets":["key"]},
				{"name":"B","namespace":"ns","inputs_schema":{},"outputs_schema":{},"secrets":[]}]}`,
			answer: `{"runtime_name":"rt","registered_nodes":[]}`,
		},
		{
			name:   "register nothing",
			call:   func(ctx ctx, t transport.Transport) (any, error) { return ok(t.Register(ctx, "rt", nil)) },
			method: "PUT", uri: "/v0/namespace/ns/nodes/",
			body:   `{"runtime_name":"rt","runtime_namespace":"ns","nodes":[]}`,
			answer: `{"runtime_name":"rt","registered_nodes":[]}`,
		},
		{
			name: "claim",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return t.Claim(ctx, transport.ClaimRequest{Nodes: []string{"A", `B"`}, Max: 2, Wait: 1500*time.Microsecond + 1, Lease: time.Minute})
			},
			method: "POST", uri: "/v0/namespace/ns/states/enqueue",
			body: `{"nodes":["A","B\""],"batch_size":2,"wait_ms":2,"lease_ms":60000}`,
			answer: `{"count":3,"namespace":"ns","status":"QUEUED","states":[
				{"state_id":"s1","node_name":"A","identifier":"a","inputs":{"k" : "v"},"created_at":"2026-11-23T02:06:18.311409"},
				{"state_id":"s2","node_name":"B\"","identifier":"b","inputs":{},"created_at":"2026-11-23T02:06:18.311409Z","graph_name":"g","run_id":"r","attempt":3,"lease_ms":60000,"lease_token":"t\u00e9"},
				{"state_id":"s3","node_name":"other","identifier":"b","inputs":null}]}`,
			want: []transport.Claimed{
				{ID: "s1", Node: "A", Identifier: "a", Inputs: transport.Object(`{"k" : "v"}`), CreatedAt: at},
				{ID: "s2", Node: `B"`, Identifier: "b", Inputs: transport.Object(`{}`), CreatedAt: at, Graph: "g", RunID: "r", Attempt: 3, Lease: time.Minute, Token: "té"},
				{ID: "s3", Node: "other", Identifier: "b", Inputs: transport.Object(`null`)},
			},
		},
		{
			name: "claim no more than a server gives",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return t.Claim(ctx, transport.ClaimRequest{Nodes: []string{"A"}, Max: 5000})
			},
			method: "POST", uri: "/v0/namespace/ns/states/enqueue",
			body:   `{"nodes":["A"],"batch_size":1000}`,
			answer: `{"count":0,"namespace":"ns","status":"QUEUED","states":[]}`,
			want:   []transport.Claimed{},
		},
		{
			name: "executed",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return report(ctx, t, transport.Report{StateID: "s1", Token: `t"`, Outcome: transport.Executed{Outputs: []transport.Object{transport.Object(`{"a":"b"}`), nil}}})
			},
			method: "POST", uri: "/v0/namespace/ns/state/s1/executed",
			body: `{"outputs":[{"a":"b"},{}],"lease_token":"t\""}`, answer: `{"status":"EXECUTED"}`,
		},
		{
			name: "executed without outputs",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return report(ctx, t, transport.Report{StateID: "s1", Outcome: transport.Executed{}})
			},
			method: "POST", uri: "/v0/namespace/ns/state/s1/executed", body: `{"outputs":[]}`, answer: `{"status":"EXECUTED"}`,
		},
		{
			name: "errored",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return report(ctx, t, transport.Report{StateID: "s1", Token: "t", Outcome: transport.Errored{Message: "boom\n", Permanent: true}})
			},
			method: "POST", uri: "/v0/namespace/ns/state/s1/errored",
			body: `{"error":"boom\n","permanent":true,"lease_token":"t"}`, answer: `{"status":"ERRORED","retry_created":false}`,
		},
		{
			name: "pruned",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return report(ctx, t, transport.Report{StateID: "s1", Outcome: transport.Pruned{Data: map[string]any{"n": 1.5, "l": []int{1}}}})
			},
			method: "POST", uri: "/v0/namespace/ns/state/s1/prune",
			body: `{"data":{"l":[1],"n":1.5}}`, answer: `{"enqueue_after":1795399939739,"status":"PRUNED"}`,
		},
		{
			name: "pruned without data",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return report(ctx, t, transport.Report{StateID: "s1", Outcome: transport.Pruned{}})
			},
			method: "POST", uri: "/v0/namespace/ns/state/s1/prune", body: `{"data":{}}`, answer: `{"status":"PRUNED"}`,
		},
		{
			name: "requeued",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return report(ctx, t, transport.Report{StateID: "s1", Outcome: transport.Requeued{After: time.Second + 1}})
			},
			method: "POST", uri: "/v0/namespace/ns/state/s1/re-enqueue-after", body: `{"enqueue_after":1001}`, answer: `{"status":"CREATED","enqueue_after":1}`,
		},
		{
			name: "requeued at once",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return report(ctx, t, transport.Report{StateID: "s1", Outcome: transport.Requeued{}})
			},
			method: "POST", uri: "/v0/namespace/ns/state/s1/re-enqueue-after", body: `{"enqueue_after":1}`, answer: `{"status":"CREATED","enqueue_after":1}`,
		},
		{
			name: "requeued for ever",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return report(ctx, t, transport.Report{StateID: "s1", Outcome: transport.Requeued{After: 1<<63 - 1}})
			},
			method: "POST", uri: "/v0/namespace/ns/state/s1/re-enqueue-after", body: `{"enqueue_after":9223372036855}`, answer: `{"status":"CREATED","enqueue_after":1}`,
		},
		{
			name: "reports",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return report(ctx, t,
					transport.Report{StateID: "s1", Token: "t1", Outcome: transport.Executed{Outputs: []transport.Object{transport.Object(`{"a":"b"}`)}}},
					transport.Report{StateID: "s2", Outcome: transport.Errored{Message: "e", Permanent: true}},
					transport.Report{StateID: "s3", Outcome: transport.Errored{Message: "e"}},
					transport.Report{StateID: "s4", Outcome: transport.Pruned{}},
					transport.Report{StateID: "s5", Outcome: transport.Requeued{After: time.Second}},
				)
			},
			method: "POST", uri: "/v0/namespace/ns/states/report",
			body: `{"reports":[
				{"state_id":"s1","lease_token":"t1","executed":{"outputs":[{"a":"b"}]}},
				{"state_id":"s2","errored":{"error":"e","permanent":true}},
				{"state_id":"s3","errored":{"error":"e"}},
				{"state_id":"s4","prune":{"data":{}}},
				{"state_id":"s5","re_enqueue_after":{"enqueue_after":1000}}]}`,
			answer: `{"results":[{"status":"EXECUTED"},{"status":"ERRORED"},{"status":"ERRORED"},{"status":"PRUNED"},{"status":"CREATED"}]}`,
		},
		{
			name:   "secrets",
			call:   func(ctx ctx, t transport.Transport) (any, error) { return t.Secrets(ctx, "s1") },
			method: "GET", uri: "/v0/namespace/ns/state/s1/secrets",
			answer: `{"secrets":{"api_key":"k-123"}}`, want: transport.Secrets{"api_key": "k-123"},
		},
		{
			name: "heartbeat",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return t.(transport.Heartbeater).Heartbeat(ctx, map[string]string{"s1": "t1", "s2": "t2"}, 1500*time.Microsecond)
			},
			method: "POST", uri: "/v0/namespace/ns/states/heartbeat",
			body: `{"leases":{"s1":"t1","s2":"t2"},"lease_ms":2}`, answer: `{"lost":["s2"]}`, want: []string{"s2"},
		},
		{
			name: "upsert graph",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return t.PutGraph(ctx, "g", transport.GraphSpec{
					Nodes: []transport.Placement{
						{Node: "A", Namespace: "other", Identifier: "a", Inputs: map[string]string{"x": "y"}, Next: []string{"b"}},
						{Node: "B", Namespace: "ns", Identifier: "b", Unites: &transport.Unites{Identifier: "a"}},
					},
					Secrets:  transport.Secrets{"key": "k-123"},
					Retry:    &transport.RetryPolicy{MaxRetries: 1, Strategy: transport.Fixed, Backoff: time.Microsecond, Exponent: 3, MaxDelay: time.Second},
					Store:    transport.StoreConfig{RequiredKeys: []string{"k"}},
					Triggers: []transport.CronTrigger{{Expression: "* * * * *"}, {Expression: "0 9 * * 1-5", Timezone: "Europe/Berlin"}},
				})
			},
			method: "PUT", uri: "/v0/namespace/ns/graph/g",
			body: `{"secrets":{"key":"k-123"},"nodes":[
				{"node_name":"A","namespace":"other","identifier":"a","inputs":{"x":"y"},"next_nodes":["b"],"unites":null},
				{"node_name":"B","namespace":"ns","identifier":"b","inputs":{},"next_nodes":[],"unites":{"identifier":"a","strategy":"ALL_SUCCESS"}}],
				"retry_policy":{"max_retries":1,"strategy":"FIXED","backoff_factor":1,"exponent":3,"max_delay":1000},
				"store_config":{"required_keys":["k"],"default_values":{}},
				"triggers":[{"type":"CRON","value":{"expression":"* * * * *"}},{"type":"CRON","value":{"expression":"0 9 * * 1-5","timezone":"Europe/Berlin"}}]}`,
			status: 201, answer: graph, want: status,
		},
		{
			name:   "upsert an empty graph",
			call:   func(ctx ctx, t transport.Transport) (any, error) { return t.PutGraph(ctx, "g", transport.GraphSpec{}) },
			method: "PUT", uri: "/v0/namespace/ns/graph/g", body: `{"secrets":{},"nodes":[]}`,
			status: 201, answer: graph, want: status,
		},
		{
			name:   "graph",
			call:   func(ctx ctx, t transport.Transport) (any, error) { return t.Graph(ctx, "g") },
			method: "GET", uri: "/v0/namespace/ns/graph/g", answer: graph, want: status,
		},
		{
			name:   "graphs",
			call:   func(ctx ctx, t transport.Transport) (any, error) { return t.Graphs(ctx) },
			method: "GET", uri: "/v0/namespace/ns/graphs/",
			answer: `{"namespace":"ns","count":1,"templates":[` + strings.Replace(graph, `{`, `{"_id":"x","name":"g","namespace":"ns",`, 1) + `]}`,
			want:   []transport.GraphInfo{status},
		},
		{
			name:   "nodes",
			call:   func(ctx ctx, t transport.Transport) (any, error) { return t.Nodes(ctx) },
			method: "GET", uri: "/v0/namespace/ns/nodes/",
			answer: `{"namespace":"ns","count":1,"nodes":[{"_id":"x","created_at":"2026-11-23T02:06:18.311409","updated_at":"2026-11-23T02:06:18.311409",
				"name":"A","namespace":"ns","runtime_name":"rt","runtime_namespace":"rns","inputs_schema":{"i":1},"outputs_schema":{},"secrets":["key"]}]}`,
			want: []transport.NodeInfo{{
				NodeSpec:  transport.NodeSpec{Name: "A", InputsSchema: json.RawMessage(`{"i":1}`), OutputsSchema: json.RawMessage(`{}`), Secrets: []string{"key"}},
				Namespace: "ns", Runtime: "rt", RuntimeNamespace: "rns", CreatedAt: at, UpdatedAt: at,
			}},
		},
		{
			name: "trigger",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return t.Trigger(ctx, "g", transport.TriggerSpec{Inputs: map[string]string{"a": "b"}, Store: map[string]string{"k": "v"}, StartDelay: 3*time.Second + 1})
			},
			method: "POST", uri: "/v0/namespace/ns/graph/g/trigger", body: `{"start_delay":3001,"inputs":{"a":"b"},"store":{"k":"v"}}`,
			answer: `{"status":"CREATED","run_id":"r"}`, want: "r",
		},
		{
			name: "trigger in the past",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return t.Trigger(ctx, "g", transport.TriggerSpec{StartDelay: -time.Second})
			},
			method: "POST", uri: "/v0/namespace/ns/graph/g/trigger", body: `{"start_delay":0,"inputs":{},"store":{}}`,
			answer: `{"status":"CREATED","run_id":"r"}`, want: "r",
		},
		{
			name: "cancel triggers",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return t.(transport.TriggerCanceler).CancelTriggers(ctx, "g")
			},
			method: "DELETE", uri: "/v0/namespace/ns/graph/g/triggers",
			answer: `{"namespace":"ns","graph_name":"g","cancelled_count":2,"message":"m"}`, want: 2,
		},
		{
			name:   "runs",
			call:   func(ctx ctx, t transport.Transport) (any, error) { return t.Runs(ctx, 2, 50) },
			method: "GET", uri: "/v0/namespace/ns/runs/2/50",
			answer: `{"namespace":"ns","total":51,"page":2,"size":50,"runs":[{` + run + `}]}`,
			want:   transport.RunPage{Total: 51, Page: 2, Size: 50, Runs: []transport.RunInfo{info}},
		},
		{
			name:   "run graph",
			call:   func(ctx ctx, t transport.Transport) (any, error) { return t.RunGraph(ctx, "r") },
			method: "GET", uri: "/v0/namespace/ns/states/run/r/graph",
			answer: `{"root_states":[{"id":"s1","node_name":"A","identifier":"a","status":"SUCCESS","error":null}],"graph_name":"g",
				"nodes":[{"id":"s1","node_name":"A","identifier":"a","status":"SUCCESS","error":null},{"id":"s2","node_name":"B","identifier":"b","status":"ERRORED","error":"boom"}],
				"edges":[{"source":"s1","target":"s2"}],"node_count":2,"edge_count":1,"execution_summary":{"SUCCESS":1,"ERRORED":1,"CREATED":0}}`,
			want: transport.RunGraph{
				Graph: "g", Roots: []string{"s1"},
				States: []transport.StateNode{
					{ID: "s1", Node: "A", Identifier: "a", Status: transport.StatusSuccess},
					{ID: "s2", Node: "B", Identifier: "b", Status: transport.StatusErrored, Error: "boom"},
				},
				Edges:   []transport.Edge{{Source: "s1", Target: "s2"}},
				Summary: map[transport.Status]int{"SUCCESS": 1, "ERRORED": 1, "CREATED": 0},
			},
		},
		{
			name:   "state detail",
			call:   func(ctx ctx, t transport.Transport) (any, error) { return t.State(ctx, "g", "r", "s1") },
			method: "GET", uri: "/v0/namespace/ns/graph/g/run/r/node/s1", answer: detail, want: state,
		},
		{
			name:   "manual retry",
			call:   func(ctx ctx, t transport.Transport) (any, error) { return t.Retry(ctx, "s1", "f1") },
			method: "POST", uri: "/v0/namespace/ns/state/s1/manual-retry", body: `{"fanout_id":"f1"}`,
			answer: `{"id":"s2","status":"CREATED"}`, want: "s2",
		},
		{
			name: "run",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				got, states, err := t.(transport.RunReader).Run(ctx, "r", 2*time.Minute)
				return []any{got, states}, err
			},
			method: "GET", uri: "/v0/namespace/ns/run/r?pending_size=0&size=5000&wait_ms=30000",
			answer: `{` + strings.Replace(run, "PENDING", "SUCCESS", 1) + `,"states":[` + detail + `]}`,
			want:   []any{over, []transport.State{state}},
		},
		{
			name: "run at once",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				got, _, err := t.(transport.RunReader).Run(ctx, "r", 0)
				return got, err
			},
			method: "GET", uri: "/v0/namespace/ns/run/r?size=5000",
			answer: `{` + run + `,"states":[]}`, want: info,
		},
		{
			name: "run that is pending after the wait", // from a state manager that gives its states all the same
			call: func(ctx ctx, t transport.Transport) (any, error) {
				got, states, err := t.(transport.RunReader).Run(ctx, "r", time.Second)
				return []any{got.Status, len(states)}, err
			},
			method: "GET", uri: "/v0/namespace/ns/run/r?pending_size=0&size=5000&wait_ms=1000",
			answer: `{"run_id":"r","status":"PENDING","total_count":1,"states":[` + detail + `]}`, want: []any{transport.RunPending, 0},
		},
		{
			name:   "run in numbers",
			call:   func(ctx ctx, t transport.Transport) (any, error) { return t.(transport.RunReader).RunInfo(ctx, "r") },
			method: "GET", uri: "/v0/namespace/ns/run/r?size=0",
			answer: `{` + run + `,"states":[]}`, want: info,
		},
		{
			name: "cancel run",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return ok(t.(transport.Canceler).CancelRun(ctx, "r"))
			},
			method: "POST", uri: "/v0/namespace/ns/run/r/cancel", answer: `{"status":"CANCELLED"}`,
		},
		{
			name: "store",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return t.(transport.StoreBackend).StoreAll(ctx, "s1")
			},
			method: "GET", uri: "/v0/namespace/ns/state/s1/store", answer: `{"store":{"k":"v"}}`, want: map[string]string{"k": "v"},
		},
		{
			name: "store get",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				value, ok, err := t.(transport.StoreBackend).StoreGet(ctx, "s1", "a key/1")
				return []any{value, ok}, err
			},
			method: "GET", uri: "/v0/namespace/ns/state/s1/store/a%20key%2F1", answer: `{"value":"v"}`, want: []any{"v", true},
		},
		{
			name: "store get nothing",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				value, ok, err := t.(transport.StoreBackend).StoreGet(ctx, "s1", "k")
				return []any{value, ok}, err
			},
			method: "GET", uri: "/v0/namespace/ns/state/s1/store/k", status: 404, answer: `{"detail":"Key not found"}`, want: []any{"", false},
		},
		{
			name: "store set",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return ok(t.(transport.StoreBackend).StoreSet(ctx, "s1", "k", "v"))
			},
			method: "PUT", uri: "/v0/namespace/ns/state/s1/store/k", body: `{"value":"v"}`, answer: `{"value":"v"}`,
		},
		{
			name: "store swap",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return t.(transport.StoreBackend).StoreSwap(ctx, "s1", "k", &old, "b")
			},
			method: "PUT", uri: "/v0/namespace/ns/state/s1/store/k", body: `{"value":"b","if":"a"}`, answer: `{"value":"b"}`, want: true,
		},
		{
			name: "store swap for none",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return t.(transport.StoreBackend).StoreSwap(ctx, "s1", "k", nil, "b")
			},
			method: "PUT", uri: "/v0/namespace/ns/state/s1/store/k", body: `{"value":"b","if":null}`, status: 409, answer: `{"detail":"…"}`, want: false,
		},
		{
			name: "store delete",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return ok(t.(transport.StoreBackend).StoreDelete(ctx, "s1", "k"))
			},
			method: "DELETE", uri: "/v0/namespace/ns/state/s1/store/k", answer: `{}`,
		},
		{
			name: "store delete nothing",
			call: func(ctx ctx, t transport.Transport) (any, error) {
				return ok(t.(transport.StoreBackend).StoreDelete(ctx, "s1", "k"))
			},
			method: "DELETE", uri: "/v0/namespace/ns/state/s1/store/k", status: 404, answer: `{"detail":"Key not found"}`,
		},
	}
}

// report makes one error of the errors of reports.
func report(ctx context.Context, t transport.Transport, reports ...transport.Report) (any, error) {
	for _, err := range t.Report(ctx, reports) {
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func TestEveryCallIsWhatTheProtocolSays(t *testing.T) {
	t.Parallel()
	for _, e := range exchanges() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, replies(http.StatusOK, `{"message":"OK"}`))
			ns := p.namespace("ns")
			if _, err := ns.(transport.Extender).Extensions(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.seen()
			if e.status == 0 {
				e.status = http.StatusOK
			}
			p.answer = replies(e.status, e.answer)
			got, err := e.call(t.Context(), ns)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(e.want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			requests := p.seen()
			if len(requests) != 1 {
				t.Fatalf("%d requests: %v", len(requests), requests)
			}
			checkRequest(t, e, requests[0])
		})
	}
}

func checkRequest(t *testing.T, e exchange, r sent) {
	t.Helper()
	if r.Method != e.method || r.URI != e.uri {
		t.Errorf("sent %s %s, want %s %s", r.Method, r.URI, e.method, e.uri)
	}
	if diff := cmp.Diff(canonical(t, e.body), canonical(t, r.Body)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	h := r.Header
	wantType := ""
	if e.body != "" {
		wantType = "application/json"
	}
	if got := h.Get("Content-Type"); got != wantType {
		t.Errorf("Content-Type %q, want %q", got, wantType)
	}
	if got := h.Get("x-api-key"); got != apiKey {
		t.Errorf("x-api-key %q", got)
	}
	if got := h.Get("x-exosphere-request-id"); !uuid4.MatchString(got) {
		t.Errorf("x-exosphere-request-id %q is no UUID", got)
	}
	if got := h.Get("User-Agent"); !strings.HasPrefix(got, "exo-go/") {
		t.Errorf("User-Agent %q", got)
	}
	if got := h.Get("Accept"); got != "application/json" {
		t.Errorf("Accept %q", got)
	}
	if h.Get("Idempotency-Key") != "" || h.Get("X-Idempotency-Key") != "" {
		t.Error("net/http would send this request again by itself")
	}
}

// canonical is JSON text in one form; "" stays "".
func canonical(t *testing.T, text string) string {
	t.Helper()
	if text == "" {
		return ""
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	out, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestNamespaces(t *testing.T) {
	t.Parallel()
	p := newPeer(t, replies(http.StatusOK, `{"namespaces":["a","b"],"count":2}`))
	h := &transport.HTTP{URL: p.URL + "/base/", APIKey: apiKey, Version: "v1", Client: p.Client()}
	got, err := h.Namespaces(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, got); diff != "" {
		t.Error(diff)
	}
	if r := p.seen()[0]; r.Method != http.MethodGet || r.URI != "/base/v1/namespaces" || r.Header.Get("x-api-key") != apiKey {
		t.Errorf("sent %+v", r)
	}
}

func TestEveryRequestHasAnIDOfItsOwn(t *testing.T) {
	t.Parallel()
	p := newPeer(t, replies(http.StatusOK, `{"nodes":[]}`))
	ids := make(map[string]bool)
	for range 8 {
		if _, err := p.namespace("ns").Nodes(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range p.seen() {
		ids[r.Header.Get("x-exosphere-request-id")] = true
	}
	if len(ids) != 8 {
		t.Errorf("%d IDs for 8 requests", len(ids))
	}
}

func TestNamesAreEscapedEachByItself(t *testing.T) {
	t.Parallel()
	names := map[string]string{
		"a b":        "a%20b",
		"a/b":        "a%2Fb",
		"../../x":    "..%2F..%2Fx",
		"%2e%2e":     "%252e%252e",
		"ü":          "%C3%BC",
		"a?b#c":      "a%3Fb%23c",
		"a;b":        "a%3Bb",
		"...":        "...",
		"line\nfeed": "line%0Afeed",
	}
	p := newPeer(t, replies(http.StatusOK, `{"run_id":"r"}`))
	for name, escaped := range names {
		if _, err := p.namespace(name).Trigger(t.Context(), name, transport.TriggerSpec{}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		want := "/v0/namespace/" + escaped + "/graph/" + escaped + "/trigger"
		if r := p.seen(); len(r) != 1 || r[0].URI != want {
			t.Errorf("%q: sent %v, want %s", name, r, want)
		}
	}
}

func TestNamesThatLeadAstrayAreRefusedBeforeSending(t *testing.T) {
	t.Parallel()
	p := newPeer(t, replies(http.StatusOK, `{"run_id":"r"}`))
	for _, name := range []string{"", ".", ".."} {
		checkRefused(t, errOf(p.namespace(name).Trigger(t.Context(), "g", transport.TriggerSpec{})), "namespace")
		checkRefused(t, errOf(p.namespace("ns").Trigger(t.Context(), name, transport.TriggerSpec{})), "graph")
		checkRefused(t, errOf(p.namespace("ns").State(t.Context(), "g", name, "s")), "run")
		checkRefused(t, errOf(report(t.Context(), p.namespace("ns"), transport.Report{StateID: name, Outcome: transport.Executed{}})), "state")
		checkRefused(t, p.namespace("ns").(transport.StoreBackend).StoreSet(t.Context(), "s", name, "v"), "store")
	}
	if r := p.seen(); len(r) != 0 {
		t.Errorf("sent %v", r)
	}
}

func errOf(_ any, err error) error { return err }

// checkRefused wants the error of a call that was not sent.
func checkRefused(t *testing.T, err error, mention string) {
	t.Helper()
	var e *transport.Error
	if !asError(err, &e) || e.Status != http.StatusBadRequest || e.Temporary() || e.Op == "" || !strings.Contains(e.Message, mention) {
		t.Errorf("%#v, want a refusal that mentions %q", err, mention)
	}
}

func TestClaimOfNothingIsNotSent(t *testing.T) {
	t.Parallel()
	p := newPeer(t, replies(http.StatusOK, `{}`))
	for _, req := range []transport.ClaimRequest{{}, {Nodes: []string{"A"}}, {Nodes: []string{"A"}, Max: -1}, {Max: 1}} {
		if states, err := p.namespace("ns").Claim(t.Context(), req); err != nil || len(states) != 0 {
			t.Errorf("%+v: %v, %v", req, states, err)
		}
	}
	if errs := p.namespace("ns").Report(t.Context(), nil); errs != nil {
		t.Error(errs)
	}
	if lost, err := p.namespace("ns").(transport.Heartbeater).Heartbeat(t.Context(), nil, time.Second); err != nil || lost != nil {
		t.Error(lost, err)
	}
	if r := p.seen(); len(r) != 0 {
		t.Errorf("sent %v", r)
	}
}

// A newer state manager may write what we do not expect, beside what we need.
func TestMembersThatDoNotFitAreLeftOut(t *testing.T) {
	t.Parallel()
	p := newPeer(t, replies(http.StatusOK, `{"nodes":[{"node_name":5,"identifier":"a","inputs":{"x":1,"y":"z"}},17],"secrets":[],
		"retry_policy":{"max_retries":1,"exponent":2.5},"triggers":[{"value":"x"},{"value":{"expression":"@daily"}}],"store_config":null,
		"created_at":5,"validation_status":"VALID","validation_errors":"none"}`))
	got, err := p.namespace("ns").Graph(t.Context(), "g")
	want := transport.GraphInfo{
		Name: "g", Namespace: "ns", Status: transport.Valid, Retry: transport.RetryPolicy{MaxRetries: 1},
		Nodes:    []transport.Placement{{Identifier: "a", Inputs: map[string]string{"x": "", "y": "z"}}, {}},
		Triggers: []transport.CronTrigger{{}, {Expression: "@daily"}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestPoliciesAndTriggersAreWrittenAsOnTheWire(t *testing.T) {
	t.Parallel()
	type both struct {
		Policy  transport.RetryPolicy
		Trigger transport.CronTrigger
	}
	want := both{
		transport.RetryPolicy{MaxRetries: 2, Strategy: transport.Linear, Backoff: time.Second, Exponent: 3, MaxDelay: time.Minute},
		transport.CronTrigger{Expression: "* * * * *", Timezone: "Europe/Berlin"},
	}
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	const text = `{"Policy":{"max_retries":2,"strategy":"LINEAR","backoff_factor":1000,"exponent":3,"max_delay":60000},` +
		`"Trigger":{"type":"CRON","value":{"expression":"* * * * *","timezone":"Europe/Berlin"}}}`
	if string(raw) != text {
		t.Errorf("%s", raw)
	}
	var got both
	if err := json.Unmarshal(raw, &got); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{`{"Policy":{"max_retries":"x"}}`, `{"Trigger":{"value":5}}`} {
		if err := json.Unmarshal([]byte(bad), &got); err == nil {
			t.Errorf("took %s", bad)
		}
	}
}
