// sample:Shout

package shouting_test

import (
	"context"
	"strings"
	"testing"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exotest"
)

// Text is the input and the output of both nodes; "text" is its name on the wire.
type Text struct {
	Text string `json:"text"`
}

var split = exo.FanOut("Split", func(_ context.Context, in Text, _ exo.None) ([]Text, error) {
	var words []Text
	for word := range strings.FieldsSeq(in.Text) {
		words = append(words, Text{word})
	}
	return words, nil // each continues on its own, in parallel
})

var shout = exo.Node("Shout", func(_ context.Context, in Text, _ exo.None) (Text, error) {
	return Text{strings.ToUpper(in.Text) + "!"}, nil
})

func shouting() (*exo.Graph, *exo.Step[Text]) {
	g := exo.NewGraph("shouting")
	words := exo.Add(g, "words", split, Text{"hello world"})
	loud := exo.Add(g, "loud", shout, Text{words.Out.Text}, exo.After(words))
	return g, loud
}

func TestShout(t *testing.T) { // one node
	got := exotest.Run(t, shout, Text{"hey"}, exo.None{}).One(t)
	if got.Text != "HEY!" {
		t.Errorf("got %q", got.Text)
	}
}

func TestShouting(t *testing.T) { // a whole graph
	g, loud := shouting()
	result := exotest.NewStateManager(t).Drive(t, g, exo.TriggerOptions{})
	exotest.WantOutputs(t, result, loud, Text{"HELLO!"}, Text{"WORLD!"})
}

// end sample

// The graph of README.md also runs on a worker.
func TestServe(t *testing.T) {
	g, loud := shouting()
	exotest.Bubble(t, func(t *testing.T, sm *exotest.StateManager) {
		sm.Serve(t, g.Nodes())
		m := sm.Client(t)
		if _, err := m.UpsertGraph(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		run, err := m.Trigger(t.Context(), g.Name(), exo.TriggerOptions{Inputs: exo.Fields(Text{"one two three"})})
		if err != nil {
			t.Fatal(err)
		}
		result, err := run.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		exotest.WantOutputs(t, result, loud, Text{"ONE!"}, Text{"TWO!"}, Text{"THREE!"})
	})
}
