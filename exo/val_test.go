package exo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

// A text that does not fit fails the state for good, before the node is called,
// and shows no secret, not even where the text is cut.
func TestUnfitValueFailsTheState(t *testing.T) {
	t.Parallel()
	const secret = "a-secret-of-some-length"
	called := false
	n := exo.Node("N", func(_ context.Context, _ Total, _ key) (exo.None, error) {
		called = true
		return exo.None{}, nil
	})
	for _, before := range []int{0, 85, 99} {
		g := exo.NewGraph("g").Secrets(exo.Fields(key{secret})) // three retries, by default
		exo.Add(g, "n", n, Total{})
		result := drive(g, exo.TriggerOptions{Inputs: map[string]string{"total": strings.Repeat("x", before) + secret}})
		states := result.Step("n")
		if len(states) != 1 || states[0].Status != transport.StatusErrored || called {
			t.Fatalf("got %+v, called %v", states, called)
		}
		text := states[0].Error
		if !strings.HasPrefix(text, `decode inputs: field "total": "`) || !strings.Contains(text, `" is not a valid int: invalid syntax`) {
			t.Errorf("got %s", text)
		}
		if strings.Contains(text, "a-s") {
			t.Errorf("%s shows the secret", text)
		}
	}
}

func TestValPrintsAndCompares(t *testing.T) {
	t.Parallel()
	v := exo.Of(map[string]int{"a": 1})
	for format, want := range map[string]string{"%v": "map[a:1]", "%+v": "map[a:1]", "%#v": `map[string]int{"a":1}`} {
		if got := fmt.Sprintf(format, v); got != want {
			t.Errorf("%s: %s, want %s", format, got, want)
		}
	}
	utc := time.Date(2024, 5, 5, 10, 0, 0, 0, time.UTC)
	if !exo.Of(utc).Equal(exo.Of(utc.In(time.FixedZone("", 3600)))) || exo.Of(1).Equal(exo.Of(2)) || !exo.Of(0).Equal(exo.Val[int]{}) {
		t.Error("Equal")
	}
	if text, ok := node.Placeholder(exo.Collect(exo.Of(1))); text != "" || !ok {
		t.Errorf("Collect of a value: %q, %v", text, ok)
	}
	if text, err := json.Marshal(struct{ N exo.Val[int] }{exo.Of(5)}); string(text) != `{"N":5}` || err != nil {
		t.Errorf("%s, %v", text, err)
	}
}
