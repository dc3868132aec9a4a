package statemanager

// Bounds of what a graph, a registration or a report may ask for. The reference
// server has none of them; they are far above what people write, and keep one
// request from taking the memory or the time of everybody else.
const (
	// MaxSteps is the number of placements of a graph. Checking a graph takes
	// time and memory with its square.
	MaxSteps = 2000

	// MaxRunStates is how many states a run may have without any fan-out. Where
	// paths part and meet again without a join, every path is walked by itself,
	// so a chain of n diamonds makes 2ⁿ states.
	MaxRunStates = 1_000_000

	// MaxNameBytes bounds names: of namespaces, graphs, nodes, identifiers,
	// inputs, secrets and store keys. They stand in URLs, logs and every state.
	MaxNameBytes = 512

	// MaxStepInputs is the number of inputs of a placement.
	MaxStepInputs = 1000

	// MaxInputBytes is the length of one input as the graph gives it.
	MaxInputBytes = 1 << 20

	// MaxPlaceholders is the number of placeholders in one input.
	MaxPlaceholders = 1000

	// MaxStateInputBytes is the size of a state's inputs, all placeholders
	// filled in: outputs that are read many times over multiply. It is also the
	// size of the largest answer that a client reads.
	MaxStateInputBytes = 16 << 20

	// MaxSecrets is the number of a graph's secrets, and of those that a node
	// declares.
	MaxSecrets = 1000

	// MaxStoreKeys is the number of keys of one run's store.
	MaxStoreKeys = 10_000

	// MaxStoreValueBytes is the length of one value of a store.
	MaxStoreValueBytes = 1 << 20

	// MaxTriggers is the number of cron triggers of a graph.
	MaxTriggers = 100

	// MaxRetries is the highest max_retries.
	MaxRetries = 1_000_000

	// MaxRegistered is the number of nodes of one registration.
	MaxRegistered = 10_000

	// MaxClaim is the number of states of one claim; higher numbers count as
	// this one (protocol.md §14).
	MaxClaim = 1000

	// MaxOutputs is the number of outputs of one state: each becomes a state.
	MaxOutputs = 1_000_000

	// MaxErrorBytes is the length of a state's error; more is cut off, for a
	// report must not be refused because its error is long.
	MaxErrorBytes = 64 << 10
)
