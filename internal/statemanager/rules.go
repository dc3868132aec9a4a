package statemanager

// Rules chooses how joins and upserts behave (protocol.md §14).
type Rules struct {
	// AsReference makes joins behave as on the reference server: the rows
	// marked R in protocol.md §14, and outputs of branches cannot be collected.
	// It lets tests of a graph show what that server would do.
	AsReference bool

	// InvalidReplaces lets an INVALID graph replace a valid one, which then has
	// no runs until it is valid. Versions and the reasons why a trigger is
	// refused are not told. Clients expect this of a state manager without
	// extensions. AsReference includes it.
	InvalidReplaces bool
}

// joinRules are the decisions in which the two servers differ. They agree on
// everything else about joins.
type joinRules struct {
	// onArrival: a join is considered only when a succeeding branch leads to
	// it. It is missed if the last branch to end leads elsewhere, fails, or is
	// pruned. Otherwise joins are considered whenever a branch ends.
	onArrival bool

	// pruneFails: a pruned state blocks ALL_SUCCESS.
	pruneFails bool

	// waitForOtherJoins: the states of one join on an anchor are branches of
	// all other joins on it. Otherwise only of joins that come later in the
	// graph.
	waitForOtherJoins bool

	// collect: a join may read the outputs of its branches.
	collect bool

	// invalidReplaces: see [Rules].
	invalidReplaces bool
}

func (r Rules) joins() joinRules {
	if r.AsReference {
		return joinRules{onArrival: true, pruneFails: true, waitForOtherJoins: true, invalidReplaces: true}
	}
	return joinRules{collect: true, invalidReplaces: r.InvalidReplaces}
}
