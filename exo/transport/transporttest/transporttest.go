// Package transporttest is the conformance suite of state managers: every rule
// of protocol.md that can be seen through the interfaces of package transport,
// as a subtest named for its §.
//
// A state manager passes if its users cannot tell it from another, whether it
// is in this process, at the other end of HTTP, or a stand-in for tests.
package transporttest

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// Options is what a rule needs of the state manager that it is tested on. A
// state manager that cannot be made like this is skipped for the rule, by
// t.Skip in the function that should make it.
type Options struct {
	// DefaultLease is given to claims that ask for no lease. 0: none is.
	DefaultLease time.Duration
}

// Clock is an optional ability of a state manager under test: its time moves
// only when told to. Rules about time then take none, and are exact. What is due
// by the time that Advance moves to has happened when it returns, also over a
// network.
type Clock interface {
	Advance(d time.Duration)
}

// Run tests state managers. newStateManager makes an empty one for each rule, or
// gives the same again: each rule has namespaces of its own. It is called from
// the goroutine of the rule's test, and registers with t.Cleanup what must be
// closed.
//
// Abilities (see [transport.Transport]) and extensions that a state manager
// lacks are skipped, and the skipped test says which.
//
// Rules about time take up to a quarter of a minute, side by side whatever the
// flag -parallel says, unless the state manager
// is a [Clock]. They bear a machine that is very busy: they wait for what is to
// happen, for a minute if need be, and only what comes too soon is an error.
func Run(t *testing.T, newStateManager func(t *testing.T, o Options) transport.Provider) {
	t.Helper()
	// Rules that wait are not to take a place among those that may run at once by
	// the flag -parallel: it counts processors, of which they need none.
	running := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	defer all.Wait()
	for _, r := range rules() {
		running <- struct{}{}
		all.Go(func() {
			defer func() { <-running }()
			t.Run(r.name, func(t *testing.T) { r.run(newWorld(t, newStateManager(t, r.options), false)) })
		})
	}
}

// atOnce is how many rules are tested at the same time outside of bubbles.
const atOnce = 32

// RunInBubble is Run with each rule in a bubble of [synctest], where waiting
// takes no time. It is for state managers within the process which are not
// reached over a network, and whose goroutines all end with the test. Rules that
// need hours, such as those of cron, are tested only here or with a [Clock].
func RunInBubble(t *testing.T, newStateManager func(t *testing.T, o Options) transport.Provider) {
	t.Helper()
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			var skipped bool
			synctest.Test(t, func(t *testing.T) {
				defer func() { skipped = t.Skipped() }()
				r.run(newWorld(t, newStateManager(t, r.options), true))
			})
			if skipped { // which the bubble keeps to itself
				t.Skip("skipped, for the reason above")
			}
		})
	}
}

// A rule is one statement of the protocol.
type rule struct {
	name    string // begins with its §
	options Options
	run     func(w *world)
}

func rules() []rule {
	var all []rule
	for _, chapter := range [][]rule{
		workerRules(), controlRules(), runRules(), structureRules(), registrationRules(), placeholderRules(), nextRules(), joinRules(),
		retryRules(), signalRules(), cronRules(), leaseRules(), waitRules(), storeRules(), versionRules(), extensionRules(), differences(), namespaceRules(),
	} {
		all = append(all, chapter...)
	}
	return all
}
