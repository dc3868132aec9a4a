package httpapi

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/jsontext"
)

// The bodies of requests, field by field, in the order in which problems with
// them are told (protocol.md §§3, 4, 12, 13).

type registerBody struct {
	Runtime string
	Nodes   []transport.NodeSpec
}

var registerShape = object(
	required("runtime_name", text, func(b *registerBody) *string { return &b.Runtime }),
	required("nodes", list(object(
		required("name", text, func(n *transport.NodeSpec) *string { return &n.Name }),
		required("inputs_schema", dict, func(n *transport.NodeSpec) *json.RawMessage { return &n.InputsSchema }),
		required("outputs_schema", dict, func(n *transport.NodeSpec) *json.RawMessage { return &n.OutputsSchema }),
		required("secrets", list(text), func(n *transport.NodeSpec) *[]string { return &n.Secrets }),
	)), func(b *registerBody) *[]transport.NodeSpec { return &b.Nodes }),
)

type enqueueBody struct {
	Nodes     []string
	BatchSize int64
	WaitMS    int64
	WaitID    string
	LeaseMS   int64
}

var enqueueShape = object(
	required("nodes", list(text), func(b *enqueueBody) *[]string { return &b.Nodes }),
	required("batch_size", integer, func(b *enqueueBody) *int64 { return &b.BatchSize }),
	extension("wait_ms", atLeast(0), func(b *enqueueBody) *int64 { return &b.WaitMS }),
	extension("wait_id", text, func(b *enqueueBody) *string { return &b.WaitID }),
	extension("lease_ms", atLeast(0), func(b *enqueueBody) *int64 { return &b.LeaseMS }),
)

type wakeBody struct{ WaitID string }

var wakeShape = object(
	required("wait_id", text, func(b *wakeBody) *string { return &b.WaitID }),
)

type executedBody struct {
	Outputs []transport.Object
	Token   string
}

var executedShape = object(
	required("outputs", list(dict), func(b *executedBody) *[]transport.Object { return &b.Outputs }),
	extension("lease_token", text, func(b *executedBody) *string { return &b.Token }),
)

type erroredBody struct {
	Error     string
	Permanent bool
	Token     string
}

var erroredShape = object(
	required("error", text, func(b *erroredBody) *string { return &b.Error }),
	extension("permanent", boolean, func(b *erroredBody) *bool { return &b.Permanent }),
	extension("lease_token", text, func(b *erroredBody) *string { return &b.Token }),
)

type pruneBody struct {
	Data  transport.Object
	Token string
}

var pruneShape = object(
	required("data", dict, func(b *pruneBody) *transport.Object { return &b.Data }),
	extension("lease_token", text, func(b *pruneBody) *string { return &b.Token }),
)

// pruned reads the data as a client of Go would have given it. Numbers keep
// their digits.
func (b *pruneBody) pruned() transport.Pruned {
	d := json.NewDecoder(strings.NewReader(string(b.Data)))
	d.UseNumber()
	var data map[string]any
	_ = d.Decode(&data) // which is known to be a JSON object
	return transport.Pruned{Data: data}
}

type requeueBody struct {
	EnqueueAfter int64
	Token        string
}

var requeueShape = object(
	required("enqueue_after", positive, func(b *requeueBody) *int64 { return &b.EnqueueAfter }),
	extension("lease_token", text, func(b *requeueBody) *string { return &b.Token }),
)

type heartbeatBody struct {
	Leases  map[string]string
	LeaseMS int64
}

var heartbeatShape = object(
	required("leases", dictOf(text), func(b *heartbeatBody) *map[string]string { return &b.Leases }),
	optional("lease_ms", atLeast(0), func(b *heartbeatBody) *int64 { return &b.LeaseMS }),
)

// A reportItem is one of many reports: exactly one of its outcomes is there.
type reportItem struct {
	StateID  string
	Token    string
	Executed *executedBody
	Errored  *erroredBody
	Prune    *pruneBody
	Requeue  *requeueBody
}

var reportItemShape = object(
	required("state_id", text, func(i *reportItem) *string { return &i.StateID }),
	optional("lease_token", text, func(i *reportItem) *string { return &i.Token }),
	optional("executed", pointer(executedShape), func(i *reportItem) **executedBody { return &i.Executed }),
	optional("errored", pointer(erroredShape), func(i *reportItem) **erroredBody { return &i.Errored }),
	optional("prune", pointer(pruneShape), func(i *reportItem) **pruneBody { return &i.Prune }),
	optional("re_enqueue_after", pointer(requeueShape), func(i *reportItem) **requeueBody { return &i.Requeue }),
)

// A reportEntry is a report, or why it is not taken: each of many is taken or
// refused by itself, for its form too.
type reportEntry struct {
	transport.Report
	refused error
}

type reportBody struct{ Reports []reportEntry }

var reportShape = object(
	required("reports", listOfAtMost(maxBatch, reportEntryShape), func(b *reportBody) *[]reportEntry { return &b.Reports }),
)

var reportEntryShape = shape[reportEntry]{schema: reportItemShape.schema, read: func(r *reader, into *reportEntry) error {
	r.Peek()
	start, outer := r.Pos(), r.problems
	r.problems = nil
	var item reportItem
	err := reportItemShape.read(r, &item)
	if err == nil && len(r.problems) == 0 {
		var one bool
		if into.Report, one = item.report(); !one {
			r.add("value_error", "Value error, A report has one of executed, errored, prune and re_enqueue_after",
				r.Part(jsontext.Span{Start: start, End: r.Pos()}), map[string]any{"error": struct{}{}})
		}
	}
	into.refused = r.verdict()
	r.problems = outer
	return err
}}

// report is the report, and whether it has one outcome.
func (i *reportItem) report() (r transport.Report, one bool) {
	r.StateID, r.Token = i.StateID, i.Token
	outcomes := 0
	if i.Executed != nil {
		r.Outcome = transport.Executed{Outputs: i.Executed.Outputs}
		outcomes++
	}
	if i.Errored != nil {
		r.Outcome = transport.Errored{Message: i.Errored.Error, Permanent: i.Errored.Permanent}
		outcomes++
	}
	if i.Prune != nil {
		r.Outcome = i.Prune.pruned()
		outcomes++
	}
	if i.Requeue != nil {
		r.Outcome = transport.Requeued{After: duration(i.Requeue.EnqueueAfter)}
		outcomes++
	}
	return r, outcomes == 1
}

type triggerBody struct {
	Store      map[string]string
	Inputs     map[string]string
	StartDelay int64
}

var triggerShape = object(
	optional("store", dictOf(text), func(b *triggerBody) *map[string]string { return &b.Store }),
	optional("inputs", dictOf(text), func(b *triggerBody) *map[string]string { return &b.Inputs }),
	optional("start_delay", atLeast(0), func(b *triggerBody) *int64 { return &b.StartDelay }),
)

type retryBody struct {
	FanoutID string
	Force    bool
}

var retryShape = object(
	required("fanout_id", text, func(b *retryBody) *string { return &b.FanoutID }),
	extension("force", boolean, func(b *retryBody) *bool { return &b.Force }),
)

type storeBody struct {
	Value string
	If    condition
}

// A condition is the value that a key must have. Given and none: it must have
// no value.
type condition struct {
	given bool
	value *string
}

var storeShape = object(
	required("value", text, func(b *storeBody) *string { return &b.Value }),
	optional("if", shape[condition]{schema: orNull(aString), read: func(r *reader, into *condition) error {
		into.given = true
		return orNone(pointer(text)).read(r, &into.value)
	}}, func(b *storeBody) *condition { return &b.If }),
)

// duration is so many milliseconds, and the longest there is for those too
// many.
func duration(ms int64) time.Duration {
	if ms > math.MaxInt64/int64(time.Millisecond) {
		return math.MaxInt64
	}
	return time.Duration(ms) * time.Millisecond
}
