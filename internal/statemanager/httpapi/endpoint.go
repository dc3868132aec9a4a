package httpapi

import (
	"net/http"

	"github.com/exospherehost/exo-go/exo/transport"
)

// An endpoint is one call of the protocol: where it is, what it takes, what it
// does, and what it returns.
type endpoint struct {
	method  string
	path    string // parameters in braces
	summary string

	// extension is what a server must have to know the endpoint.
	extension transport.Extension

	open    bool               // no key is needed
	numbers map[string]*schema // parameters of the path that are no names
	query   []property
	action

	status int // of the response to a call that is taken; 0: 200
	answer *schema
	errors []int // statuses of refusals, beside those that any call may meet
}

const (
	ns        = "/v0/namespace/{namespace}"
	state     = ns + "/state/{state_id}"
	graphPath = ns + "/graph/{graph_name}"
	run       = ns + "/run/{run_id}"
)

// endpoints is the table of all that the handler serves.
func (h *Handler) endpoints() []endpoint {
	table := []endpoint{
		// protocol.md §3
		{
			method: http.MethodPut, path: ns + "/nodes/", summary: "Register nodes",
			action: takes(registerShape, register), answer: registerSchema,
		},
		{
			method: http.MethodPost, path: ns + "/states/enqueue", summary: "Claim states that are due",
			action: takes(enqueueShape, enqueue), answer: statesSchema,
		},
		{
			method: http.MethodPost, path: state + "/executed", summary: "Report that a state was executed",
			action: takes(executedShape, executed), answer: executedSchema, errors: []int{400, 404, 409},
		},
		{
			method: http.MethodPost, path: state + "/errored", summary: "Report that a state failed",
			action: takes(erroredShape, errored), answer: erroredSchema, errors: []int{400, 404, 409},
		},
		{
			method: http.MethodPost, path: state + "/prune", summary: "End the branch of a state",
			action: takes(pruneShape, prune), answer: prunedSchema, errors: []int{400, 404, 409},
		},
		{
			method: http.MethodPost, path: state + "/re-enqueue-after", summary: "Put a state back, to be claimed later",
			action: takes(requeueShape, requeue), answer: requeuedSchema, errors: []int{400, 404, 409},
		},
		{
			method: http.MethodGet, path: state + "/secrets", summary: "Read the secrets that a claimed state's node declares",
			action: plain(secrets), answer: objectOf(prop("secrets", mapOf(aString))), errors: []int{400, 404, 409},
		},

		// protocol.md §4
		{
			method: http.MethodPut, path: graphPath, summary: "Write a graph", status: http.StatusCreated,
			action: takes(graphShape, putGraph), answer: graphSchema, errors: []int{400},
		},
		{
			method: http.MethodGet, path: graphPath, summary: "Read a graph",
			action: plain(getGraph), answer: graphSchema, errors: []int{404},
		},
		{
			method: http.MethodPost, path: graphPath + "/trigger", summary: "Start a run",
			action: takes(triggerShape, trigger), answer: objectOf(prop("status", constant("CREATED")), prop("run_id", aString)),
			errors: []int{400, 404},
		},
		{
			method: http.MethodPost, path: state + "/manual-retry", summary: "Run a state again by hand",
			action: takes(retryShape, manualRetry), answer: objectOf(prop("id", aString), prop("status", constant("CREATED"))),
			errors: []int{400, 404, 409},
		},
		{
			method: http.MethodGet, path: ns + "/nodes/", summary: "List the nodes",
			action: plain(listNodes), answer: nodesSchema,
		},
		{
			method: http.MethodGet, path: ns + "/graphs/", summary: "List the graphs",
			action: plain(listGraphs), answer: graphsSchema,
		},
		{
			method: http.MethodGet, path: ns + "/runs/{page}/{size}", summary: "List the runs, newest first",
			numbers: map[string]*schema{"page": pageNumber.schema, "size": anInt},
			action:  plain(listRuns), answer: runsSchema, errors: []int{422},
		},
		{
			method: http.MethodGet, path: ns + "/states/run/{run_id}/graph", summary: "Read the states of a run and how they follow one another",
			action: plain(runGraph), answer: runGraphSchema, errors: []int{404},
		},
		{
			method: http.MethodGet, path: graphPath + "/run/{run_id}/node/{state_id}", summary: "Read a state in full",
			action: plain(stateDetail), answer: stateDetailSchema, errors: []int{400, 404},
		},
		{
			method: http.MethodGet, path: "/v0/namespaces", summary: "List the namespaces",
			action: plain(listNamespaces), answer: objectOf(prop("namespaces", listOf(aString)), prop("count", anInt)),
		},

		// protocol.md §12
		{
			method: http.MethodDelete, path: graphPath + "/triggers", summary: "Remove the cron triggers of a graph",
			action: plain(cancelTriggers), answer: cancelTriggersSchema, errors: []int{404},
		},

		// protocol.md §13
		{
			method: http.MethodPost, path: ns + "/states/wake", summary: "End the wait of a claim", extension: transport.ExtensionWait,
			action: takes(wakeShape, wake), answer: objectOf(prop("woken", aBool)),
		},
		{
			method: http.MethodPost, path: ns + "/states/heartbeat", summary: "Keep leases alive", extension: transport.ExtensionLease,
			action: takes(heartbeatShape, heartbeat), answer: objectOf(prop("lost", listOf(aString))),
		},
		{
			method: http.MethodPost, path: ns + "/states/report", summary: "Report on many states", extension: transport.ExtensionReport,
			action: takes(reportShape, report), answer: reportSchema,
		},
		{
			method: http.MethodGet, path: state + "/store", summary: "Read the store of a state's run", extension: transport.ExtensionStore,
			action: plain(storeAll), answer: objectOf(prop("store", mapOf(aString))), errors: []int{404},
		},
		{
			method: http.MethodGet, path: state + "/store/{key}", summary: "Read a key of the store", extension: transport.ExtensionStore,
			action: plain(storeGet), answer: objectOf(prop("value", aString)), errors: []int{404},
		},
		{
			method: http.MethodPut, path: state + "/store/{key}", summary: "Write a key of the store", extension: transport.ExtensionStore,
			action: takes(storeShape, storePut), answer: objectOf(prop("value", aString)), errors: []int{400, 404, 409},
		},
		{
			method: http.MethodDelete, path: state + "/store/{key}", summary: "Remove a key of the store", extension: transport.ExtensionStore,
			action: plain(storeDelete), answer: objectOf(), errors: []int{404},
		},
		{
			method: http.MethodGet, path: run, summary: "Read a run and its states, once it is at rest", extension: transport.ExtensionRun,
			query: []property{
				prop("wait_ms?", waitMS.schema), prop("from?", fromState.schema), prop("size?", mostStates.schema), prop("pending_size?", mostStates.schema),
			},
			action: plain(getRun), answer: runDetailSchema, errors: []int{404, 422},
		},
		{
			method: http.MethodPost, path: run + "/cancel", summary: "Cancel a run", extension: transport.ExtensionCancel,
			action: plain(cancelRun), answer: objectOf(prop("status", constant("CANCELLED"))), errors: []int{400, 404, 409},
		},

		{
			method: http.MethodGet, path: "/health", summary: "Say that the server lives", open: true,
			action: plain(health), answer: objectOf(prop("message", aString)),
		},
		{
			method: http.MethodGet, path: "/ready", summary: "Say that the server takes calls", open: true,
			action: plain(health), answer: objectOf(prop("message", aString)),
		},
		{
			method: http.MethodGet, path: "/openapi.json", summary: "Read this description", open: true,
			action: plain(describe), answer: anObject,
		},
	}
	served := table[:0]
	for _, e := range table {
		if e.extension != "" && !h.extended() {
			continue
		}
		if e.status == 0 {
			e.status = http.StatusOK
		}
		served = append(served, e)
	}
	return served
}
