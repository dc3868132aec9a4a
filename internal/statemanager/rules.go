package statemanager

// Rules chooses how joins and upserts behave (protocol.md §14).
type Rules struct {
	// AsReference makes joins behave as the reference server's: the rows of
	// protocol.md §14 that are marked R, and the outputs of branches cannot be
	// collected. A graph that is bound for that server meets in tests what it
	// will meet there.
	AsReference bool

	// InvalidReplaces lets a graph that is INVALID take the place of a valid one,
	// so that it has no runs until it is valid; versions and why a trigger is
	// refused are not told. It is what clients expect of a state manager without
	// extensions, and part of AsReference.
	InvalidReplaces bool
}

// joinRules are the decisions in which the two servers differ. All else about
// joins is the same.
type joinRules struct {
	// onArrival: a join is looked at only when a branch that succeeds leads to
	// it. So it is missed if the last branch to end leads elsewhere, fails, or is
	// pruned. Else joins are looked at whenever a branch ends.
	onArrival bool

	// pruneFails: a pruned state stands in the way of ALL_SUCCESS.
	pruneFails bool

	// waitForOtherJoins: the states of one join on an anchor are branches of all
	// others on it. Else only of those that come later in the graph.
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
