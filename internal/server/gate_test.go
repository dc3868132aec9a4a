package server

import (
	"sync"
	"sync/atomic"
	"testing"
)

// However calls and the shutting of a gate fall together, nobody is inside once
// it is shut.
func TestGate(t *testing.T) {
	t.Parallel()
	for range 2000 {
		g := newGate()
		var inside atomic.Int64
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for g.enter() {
					inside.Add(1)
					inside.Add(-1)
					g.leave()
				}
			})
		}
		g.shut()
		if n := inside.Load(); n != 0 {
			t.Fatalf("%d inside", n)
		}
		all.Wait()
		if g.enter() {
			t.Fatal("lets in")
		}
	}
}
