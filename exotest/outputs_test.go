package exotest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exotest"
)

// TestOutputsLineUp runs fan-outs whose branches fail, fan out again and are
// pruned at random: what a join collects, exo.Outputs and exotest.Outputs must be
// the same lists, in the order of the branches.
func TestOutputsLineUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching("[a-z]{3}"), 1, 6).Draw(rt, "words")
		for i := range words {
			words[i] = fmt.Sprintf("%s%d", words[i], i)
		}
		failures := make(map[string]int)
		delays := make(map[string]time.Duration)
		fans := make(map[string]int)
		for _, w := range words {
			failures[w] = rapid.IntRange(0, 2).Draw(rt, "failures")
			delays[w] = time.Duration(rapid.IntRange(0, 5).Draw(rt, "seconds")) * time.Second
			fans[w] = rapid.IntRange(1, 3).Draw(rt, "parts")
			for i := range fans[w] {
				failures[fmt.Sprint(w, ".", i)] = rapid.IntRange(0, 1).Draw(rt, "failures")
			}
		}
		var mu sync.Mutex
		fails := func(word string) bool {
			mu.Lock()
			defer mu.Unlock()
			failures[word]--
			return failures[word] >= 0
		}
		var gone []string
		if rapid.Bool().Draw(rt, "prune") {
			gone = append(gone, words[0])
		}
		parts := exo.FanOut("Parts", func(_ context.Context, in Text, _ exo.None) ([]Text, error) {
			switch {
			case delays[in.Text] > 0 && failures[in.Text] == 0:
				mu.Lock()
				delays[in.Text] = 0
				mu.Unlock()
				return nil, exo.RequeueAfter(3 * time.Second)
			case fails(in.Text):
				return nil, errors.New("not yet")
			case len(gone) > 0 && in.Text == gone[0]:
				return nil, exo.Prune(nil)
			}
			var all []Text
			for i := range fans[in.Text] {
				all = append(all, Text{fmt.Sprint(in.Text, ".", i)})
			}
			return all, nil
		})
		up := exo.Node("Up", func(_ context.Context, in Text, _ exo.None) (Text, error) {
			if fails(in.Text) {
				return Text{}, errors.New("not yet")
			}
			return Text{strings.ToUpper(in.Text)}, nil
		})
		type lists struct {
			Parts exo.Val[[]string] `json:"parts"`
			Ups   exo.Val[[]string] `json:"ups"`
		}
		last := exo.Node("Last", func(_ context.Context, in lists, _ exo.None) (Text, error) {
			return Text{strings.Join(in.Parts.V, " ") + "|" + strings.Join(in.Ups.V, " ")}, nil
		})
		g := exo.NewGraph("lines")
		begin := exo.Add(g, "begin", echo, Text{strings.Join(words, " ")})
		word := exo.Add(g, "word", split, begin.Out, exo.After(begin))
		part := exo.Add(g, "part", parts, word.Out, exo.After(word))
		loud := exo.Add(g, "loud", up, part.Out, exo.After(part))
		end := exo.Add(g, "end", last, lists{exo.CollectStrings(part.Out.Text), exo.CollectStrings(loud.Out.Text)},
			exo.After(loud), exo.Unites(begin, exo.AllDone))

		r := exotest.NewStateManager(t, echo, split, parts, up, last).Drive(t, g, exo.TriggerOptions{})
		var want []Text
		for _, w := range words {
			for i := range fans[w] {
				if len(gone) == 0 || w != gone[0] {
					want = append(want, Text{fmt.Sprint(w, ".", i)})
				}
			}
		}
		wantUp := make([]Text, len(want))
		ps, us := make([]string, len(want)), make([]string, len(want))
		for i, p := range want {
			wantUp[i] = Text{strings.ToUpper(p.Text)}
			ps[i], us[i] = p.Text, wantUp[i].Text
		}
		check := func(what string, got, want []Text) {
			if d := cmp.Diff(want, got); d != "" && len(got)+len(want) > 0 {
				rt.Errorf("%s (-want +got):\n%s", what, d)
			}
		}
		check("exotest.Outputs of part", exotest.Outputs(t, r, part), want)
		check("exotest.Outputs of loud", exotest.Outputs(t, r, loud), wantUp)
		for i := range r.States { // as of a state manager that tells no places
			r.States[i].Place = nil
		}
		plain, err := exo.Outputs(r, loud)
		if err != nil {
			rt.Fatal(err)
		}
		check("exo.Outputs of loud", plain, wantUp)
		check("end", exotest.Outputs(t, r, end), []Text{{strings.Join(ps, " ") + "|" + strings.Join(us, " ")}})
	})
}
