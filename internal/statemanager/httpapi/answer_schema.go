package httpapi

import (
	"slices"

	"github.com/exospherehost/exo-go/exo/transport"
)

// The responses, as OpenAPI describes them.

var (
	registerSchema = objectOf(
		prop("runtime_name", aString),
		prop("registered_nodes", listOf(registerShape.schema.Properties["nodes"].Items)),
	)
	statesSchema = objectOf(
		prop("count", anInt), prop("namespace", aString), prop("status", constant("QUEUED")),
		prop("states", listOf(objectOf(
			prop("state_id", aString), prop("node_name", aString), prop("identifier", aString),
			prop("inputs", mapOf(aString)), prop("created_at", aTime),
			prop("run_id?", aString), prop("graph_name?", aString), prop("attempt?", anInt),
			prop("lease_ms?", anInt), prop("lease_token?", aString),
		))),
	)
	executedSchema = objectOf(prop("status", constant("EXECUTED")))
	erroredSchema  = objectOf(prop("status", constant("ERRORED")), prop("retry_created", aBool))
	prunedSchema   = objectOf(prop("status", constant("PRUNED")), prop("enqueue_after", millis))
	requeuedSchema = objectOf(prop("status", constant("CREATED")), prop("enqueue_after", millis))
	reportSchema   = objectOf(prop("results", listOf(oneOf(
		executedSchema, erroredSchema, prunedSchema, requeuedSchema,
		objectOf(prop("code", anInt), prop("detail", detailSchema)),
	))))
	detailSchema = &schema{
		Description: "Why the call was refused: a text, or a list of problems with fields",
		Type:        []string{"string", "array"},
		Items: objectOf(
			prop("type", aString), prop("loc", listOf(&schema{Type: []string{"string", "integer"}})),
			prop("msg", aString), prop("input", anything), prop("ctx?", anObject),
		),
	}
)

var (
	unitesSchema = &schema{
		Type: []string{"object", "null"}, Properties: unitesShape.schema.Properties, Required: []string{"identifier", "strategy"},
	}
	graphProperties = []property{
		prop("nodes", listOf(objectOf(
			prop("node_name", aString), prop("namespace", aString), prop("identifier", aString),
			prop("inputs", mapOf(aString)), prop("next_nodes", listOf(aString)), prop("unites", unitesSchema),
		))),
		prop("secrets", mapOf(aBool)),
		prop("retry_policy", &schema{
			Type: "object", Properties: retryPolicyShape.schema.Properties,
			Required: []string{"max_retries", "strategy", "backoff_factor", "exponent", "max_delay"},
		}),
		prop("store_config", &schema{
			Type: "object", Properties: storeConfigShape.schema.Properties, Required: []string{"required_keys", "default_values"},
		}),
		prop("triggers", listOf(cronShape.schema)),
		prop("created_at", aTime), prop("updated_at", aTime),
		prop("validation_status", &schema{Type: "string", Enum: []string{
			string(transport.Pending), string(transport.Ongoing), string(transport.Valid), string(transport.Invalid),
		}}),
		prop("validation_errors", listOf(aString)), prop("version?", anInt), prop("serving_version?", anInt),
	}
	graphSchema  = objectOf(graphProperties...)
	graphsSchema = objectOf(
		prop("namespace", aString), prop("count", anInt),
		prop("templates", listOf(objectOf(append(slices.Clip(graphProperties),
			prop("name", aString), prop("namespace", aString))...))),
	)
	cancelTriggersSchema = objectOf(
		prop("namespace", aString), prop("graph_name", aString), prop("cancelled_count", anInt), prop("message", aString),
	)
)

var nodesSchema = objectOf(
	prop("namespace", aString), prop("count", anInt),
	prop("nodes", listOf(objectOf(
		prop("created_at", aTime), prop("updated_at", aTime),
		prop("name", aString), prop("namespace", aString),
		prop("runtime_name", aString), prop("runtime_namespace", aString),
		prop("inputs_schema", anObject), prop("outputs_schema", anObject), prop("secrets", listOf(aString)),
	))),
)

var (
	stateStatus = &schema{Type: "string", Enum: []string{
		string(transport.StatusCreated), string(transport.StatusQueued), string(transport.StatusExecuted),
		string(transport.StatusErrored), string(transport.StatusNextCreatedError), string(transport.StatusSuccess),
		string(transport.StatusPruned), string(transport.StatusRetryCreated), string(transport.StatusCancelled),
	}}
	runProperties = []property{
		prop("run_id", aString), prop("graph_name", aString),
		prop("success_count", anInt), prop("pending_count", anInt), prop("errored_count", anInt),
		prop("retried_count", anInt), prop("total_count", anInt),
		prop("status", &schema{Type: "string", Enum: []string{
			string(transport.RunPending), string(transport.RunSuccess), string(transport.RunFailed), string(transport.RunCancelled),
		}}),
		prop("created_at", aTime),
	}
	runsSchema = objectOf(
		prop("namespace", aString), prop("total", anInt), prop("page", anInt), prop("size", anInt),
		prop("runs", listOf(objectOf(runProperties...))),
	)
	stateNodeSchema = objectOf(
		prop("id", aString), prop("node_name", aString), prop("identifier", aString),
		prop("status", stateStatus), prop("error", orNull(aString)),
	)
	runGraphSchema = objectOf(
		prop("root_states", listOf(stateNodeSchema)), prop("graph_name", aString), prop("nodes", listOf(stateNodeSchema)),
		prop("edges", listOf(objectOf(prop("source", aString), prop("target", aString)))),
		prop("node_count", anInt), prop("edge_count", anInt),
		prop("execution_summary", mapOf(anInt)),
	)
	stateDetailSchema = objectOf(
		prop("id", aString), prop("node_name", aString), prop("identifier", aString),
		prop("graph_name", aString), prop("run_id", aString), prop("status", stateStatus),
		prop("inputs", anObject), prop("outputs", anObject), prop("error", orNull(aString)), prop("parents", mapOf(aString)),
		prop("created_at", aTime), prop("updated_at", aTime), prop("data?", anObject), prop("attempt?", anInt), prop("place?", listOf(anInt)),
	)
	runDetailSchema = objectOf(append(slices.Clip(runProperties),
		prop("states", listOf(stateDetailSchema)))...)
)
