package exo_test

import "testing"

// TestFaults is the table of faults that a runtime must survive, and what is
// right then: a row is a subtest, and so is each of its claims.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		fault string
		tests map[string]func(t *testing.T, b *bubble)
	}{
		{"worker killed", workerKilled},
		{"SIGTERM or context ends", contextEnds},
		{"state manager away or restarted", stateManagerAway},
		{"answer lost after the call was taken", answerLost},
		{"claimed again before the report is taken", claimedAgain},
		{"slow answers", slowAnswers},
		{"5xx and 429 bursts", bursts},
		{"401 and 403", unauthorized},
		{"malformed, truncated, HTML or huge answers", malformed},
		{"one state with bad inputs", badInputs},
		{"a state of a node not registered here", unknownNode},
		{"more states than asked for", moreThanAsked},
		{"outputs over the limit", overTheLimit},
		{"panic and Goexit", panics},
		{"node ignores its context", ignoredContext},
		{"a poison state", poison},
		{"clock skew", clockSkew},
		{"graph changed during a run", graphChanged},
		{"identical or conflicting reports", conflicts},
		{"fan-out", fanOut},
		{"start and stop", startStop},
		{"limited nodes", limitedNodes},
		{"leases", leases},
		{"unreported outcomes", outcomes},
		{"reports that are turned away", turnedAway},
		{"hooks, backoffs and transports that misbehave", hooks},
	} {
		t.Run(row.fault, func(t *testing.T) {
			t.Parallel()
			for name, test := range row.tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					inBubble(t, test)
				})
			}
		})
	}
}
