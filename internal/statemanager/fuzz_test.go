package statemanager_test

import (
	"encoding/json"
	"testing"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// Whatever is written as a graph: it is refused or, once it is valid, its runs
// come to rest.
func FuzzPutGraph(f *testing.F) {
	for _, nodes := range [][]transport.Placement{
		{step("a")},
		{step("r", "x", "y"), step("x", "z"), step("y", "z"), with(step("z"), "${{ r.outputs.o }} ${{ store.k }}")},
		{step("r", "s"), step("s", "w"), step("w", "u"), with(unite(step("u", "v"), "r", allSuccess), "${{ w.outputs.o }}"), unite(step("v"), "s", allDone)},
		{step("r", "u"), unite(step("u", "v"), "r", allSuccess), unite(step("v"), "u", allDone)},
		{step("a", "b"), step("b", "a")},
		{step("r", "s"), step("s", "t"), unite(step("t", "u"), "r", allSuccess), unite(step("u"), "r", allDone)},
	} {
		text, err := json.Marshal(nodes)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "k")
	}
	f.Fuzz(func(t *testing.T, nodes, key string) {
		var list []transport.Placement
		if json.Unmarshal([]byte(nodes), &list) != nil || len(list) > 20 {
			return
		}
		b := newBed(t, statemanager.Options{})
		s, err := b.PutGraph(b.now, "ns", "g", transport.GraphSpec{
			Nodes: list, Retry: retries(0), Store: transport.StoreConfig{DefaultValues: map[string]string{key: "v"}},
		})
		if err != nil || s.Status != transport.Valid {
			return
		}
		run := b.run()
		for i := 0; ; i++ {
			states := b.claimN(10)
			if len(states) == 0 {
				break
			}
			for _, s := range states {
				if i == 1 {
					b.report(s, outputs("x", "y"))
				} else {
					b.report(s, outputs("x"))
				}
			}
			if b.info(run).Total > 5000 {
				return // diamonds
			}
		}
		if err := statemanager.Check(b.Engine); err != nil {
			t.Error(err)
		}
		if status := b.info(run).Status; status != transport.RunSuccess {
			t.Errorf("the run is %s: %s", status, b.story(run))
		}
	})
}
