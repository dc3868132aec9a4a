package exo_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/exo"
)

// To assign an output to an input is to connect two steps.
func ExampleAdd() {
	g := exo.NewGraph("shouting")
	words := exo.Add(g, "words", toWords, Sentence{"hello world"})
	upper := exo.Add(g, "upper", toUpper, Sentence{"» " + words.Out.Text + " «"}, exo.After(words))
	fmt.Println(words.Out.Text)
	fmt.Println(upper.ID(), g.Spec("demo").Nodes[1].Inputs["text"])
	tell(drive(g, exo.TriggerOptions{}))
	// Output:
	// ${{ words.outputs.text }}
	// upper » ${{ words.outputs.text }} «
	// run: SUCCESS
	// words SUCCESS {"text":"hello"}
	// words SUCCESS {"text":"world"}
	// upper SUCCESS {"text":"» HELLO «"}
	// upper SUCCESS {"text":"» WORLD «"}
}

// Steps after the same step run side by side.
func ExampleAfter() {
	g := exo.NewGraph("branches")
	first := exo.Add(g, "first", toUpper, Sentence{"a"})
	exo.Add(g, "left", toUpper, first.Out, exo.After(first))
	exo.Add(g, "right", toUpper, first.Out, exo.After(first))
	fmt.Print(g.Mermaid())
	// Output:
	// flowchart TD
	//     n0["first<br/>Upper"]
	//     n1["left<br/>Upper"]
	//     n2["right<br/>Upper"]
	//     n0 --> n1
	//     n0 --> n2
}

type Parts struct {
	Parts exo.Val[[]string] `json:"parts"`
}

var join = exo.Node("Join", func(_ context.Context, in Parts, _ exo.None) (Sentence, error) {
	return Sentence{strings.Join(in.Parts.V, "-")}, nil
})

// A join runs once for each state of its anchor, a step before the one that
// fans out, when all that this state gave rise to is done.
func ExampleUnites() {
	g := exo.NewGraph("united")
	start := exo.Add(g, "start", toUpper, Sentence{"one two three"})
	words := exo.Add(g, "words", toWords, start.Out, exo.After(start))
	joined := exo.Add(g, "join", join, Parts{exo.CollectStrings(words.Out.Text)},
		exo.After(words), exo.Unites(start, exo.AllSuccess))
	fmt.Println(exo.Outputs(drive(g, exo.TriggerOptions{}), joined))
	// Output: [{ONE-TWO-THREE}] <nil>
}

// With the step that fans out as the anchor there is a join for each of its
// outputs.
func ExampleUnitesEach() {
	g := exo.NewGraph("united")
	words := exo.Add(g, "words", toWords, Sentence{"one two"})
	upper := exo.Add(g, "upper", toUpper, words.Out, exo.After(words))
	lower := exo.Add(g, "again", toUpper, words.Out, exo.After(words))
	exo.Add(g, "join", toUpper, words.Out, exo.After(upper, lower), exo.UnitesEach(words, exo.AllDone))
	fmt.Println(len(drive(g, exo.TriggerOptions{}).Step("join")), "joins")
	// Output: 2 joins
}

// Collect gives a join the outputs of all branches, as a list.
func ExampleCollect() {
	type Letters struct {
		N exo.Val[int] `json:"n"`
	}
	type Lengths struct {
		All exo.Val[[]int] `json:"all"`
	}
	measure := exo.Node("Measure", func(_ context.Context, in Sentence, _ exo.None) (Letters, error) {
		return Letters{exo.Of(len(in.Text))}, nil
	})
	longest := exo.Node("Longest", func(_ context.Context, in Lengths, _ exo.None) (Letters, error) {
		return Letters{exo.Of(slices.Max(in.All.V))}, nil
	})
	g := exo.NewGraph("measured")
	start := exo.Add(g, "start", toUpper, Sentence{"one three"})
	words := exo.Add(g, "words", toWords, start.Out, exo.After(start))
	measured := exo.Add(g, "measure", measure, words.Out, exo.After(words))
	joined := exo.Add(g, "longest", longest, Lengths{exo.Collect(measured.Out.N)},
		exo.After(measured), exo.Unites(start, exo.AllSuccess))
	result := drive(g, exo.TriggerOptions{})
	fmt.Println(string(result.Step("longest")[0].Inputs))
	fmt.Println(exo.Outputs(result, joined))
	// Output:
	// {"all":"[3,5]"}
	// [{5}] <nil>
}

// CollectAll tells a join what became of every branch.
func ExampleCollectAll() {
	type Half struct {
		N exo.Val[int] `json:"n"`
	}
	type Halves struct {
		All exo.Val[[]exo.Branch[int]] `json:"all"`
	}
	numbers := exo.FanOut("Numbers", func(context.Context, Sentence, exo.None) ([]Half, error) {
		return []Half{{exo.Of(4)}, {exo.Of(5)}, {exo.Of(6)}}, nil
	})
	halve := exo.Node("Halve", func(_ context.Context, in Half, _ exo.None) (Half, error) {
		if in.N.V%2 != 0 {
			return Half{}, exo.Permanent(fmt.Errorf("%d is odd", in.N.V))
		}
		return Half{exo.Of(in.N.V / 2)}, nil
	})
	report := exo.Node("Report", func(_ context.Context, in Halves, _ exo.None) (exo.None, error) {
		for _, b := range in.All.V {
			if b.Succeeded() {
				fmt.Println(b.Index, b.V)
			} else {
				fmt.Println(b.Index, b.Step, b.Status, b.Error)
			}
		}
		return exo.None{}, nil
	})
	g := exo.NewGraph("halved")
	start := exo.Add(g, "start", toUpper, Sentence{"numbers"})
	each := exo.Add(g, "numbers", numbers, start.Out, exo.After(start))
	half := exo.Add(g, "halve", halve, each.Out, exo.After(each))
	exo.Add(g, "report", report, Halves{exo.CollectAll(half.Out.N)}, exo.After(half), exo.Unites(start, exo.AllDone))
	drive(g, exo.TriggerOptions{})
	// Output:
	// 0 2
	// 1 halve ERRORED 5 is odd
	// 2 3
}

// A field that is a string is collected as strings.
func ExampleCollectStrings() {
	g := exo.NewGraph("collected")
	start := exo.Add(g, "start", toUpper, Sentence{"b a"})
	words := exo.Add(g, "words", toWords, start.Out, exo.After(start))
	exo.Add(g, "join", join, Parts{exo.CollectStrings(words.Out.Text)}, exo.After(words), exo.Unites(start, exo.AllDone))
	fmt.Println(string(drive(g, exo.TriggerOptions{}).Step("join")[0].Inputs))
	// Output: {"parts":"[\"B\",\"A\"]"}
}

// A field that is a string has branches of strings.
func ExampleCollectAllStrings() {
	type All struct {
		Parts exo.Val[[]exo.Branch[string]] `json:"parts"`
	}
	count := exo.Node("Count", func(_ context.Context, in All, _ exo.None) (exo.None, error) {
		for _, b := range in.Parts.V {
			fmt.Println(b.Step, b.Status, b.V)
		}
		return exo.None{}, nil
	})
	g := exo.NewGraph("collected")
	start := exo.Add(g, "start", toUpper, Sentence{"b a"})
	words := exo.Add(g, "words", toWords, start.Out, exo.After(start))
	exo.Add(g, "count", count, All{exo.CollectAllStrings(words.Out.Text)}, exo.After(words), exo.Unites(start, exo.AllDone))
	drive(g, exo.TriggerOptions{})
	// Output:
	// words SUCCESS B
	// words SUCCESS A
}

// What the trigger gives, every step can read.
func ExampleDeclareStore() {
	g := exo.NewGraph("greeting")
	settings := exo.DeclareStore[struct {
		Name     string `json:"name"` // has to be given
		Greeting string `json:"greeting" jsonschema:"default=Hello"`
	}](g)
	greet := exo.Add(g, "greet", toUpper, Sentence{settings.Greeting + " " + settings.Name})
	fmt.Println(exo.Outputs(drive(g, exo.TriggerOptions{Store: map[string]string{"name": "Ada"}}), greet))
	// Output: [{HELLO ADA}] <nil>
}

// A node is handed the secrets that it declares.
func ExampleGraph_Secrets() {
	type Token struct {
		Token exo.Secret `json:"token"`
	}
	login := exo.Node("Login", func(_ context.Context, in Sentence, token Token) (Sentence, error) {
		return Sentence{fmt.Sprintf("%s with a token of %d letters: %v", in.Text, len(token.Token.Reveal()), token)}, nil
	})
	g := exo.NewGraph("login").Secrets(exo.Fields(Token{"s3cret"}))
	step := exo.Add(g, "login", login, Sentence{"ada"})
	fmt.Println(exo.Outputs(drive(g, exo.TriggerOptions{}), step))
	// Output: [{ada with a token of 6 letters: {[REDACTED]}}] <nil>
}

// The policy holds for every step of the graph.
func ExampleGraph_Retry() {
	attempts := 0
	flaky := exo.Node("Flaky", func(context.Context, exo.None, exo.None) (exo.None, error) {
		if attempts++; attempts < 3 {
			return exo.None{}, fmt.Errorf("attempt %d went wrong", attempts)
		}
		return exo.None{}, nil
	})
	g := exo.NewGraph("flaky").Retry(exo.RetryPolicy{MaxRetries: 5, Strategy: exo.FixedFullJitter, Backoff: time.Millisecond})
	exo.Add(g, "flaky", flaky, exo.None{})
	tell(drive(g, exo.TriggerOptions{}))
	// Output:
	// run: SUCCESS
	// flaky RETRY_CREATED attempt 1 went wrong
	// flaky RETRY_CREATED attempt 2 went wrong
	// flaky SUCCESS {}
}

func ExampleNoRetry() {
	g := exo.NewGraph("once").Retry(exo.NoRetry())
	exo.Add(g, "upper", toUpper, Sentence{"a"})
	fmt.Println(g.Spec("demo").Retry.MaxRetries)
	// Output: 0
}

// Five fields, in UTC or in a timezone.
func ExampleGraph_Cron() {
	g := exo.NewGraph("nightly").Cron("0 */6 * * *").CronIn("Europe/Berlin", "30 2 * * 1-5")
	exo.Add(g, "upper", toUpper, Sentence{"good night"})
	fmt.Println(g.Validate())
	for _, t := range g.Spec("demo").Triggers {
		fmt.Printf("%s %q\n", t.Expression, t.Timezone)
	}
	// Output:
	// <nil>
	// 0 */6 * * * ""
	// 30 2 * * 1-5 "Europe/Berlin"
}

// All mistakes come at once, and no state manager is asked.
func ExampleGraph_Validate() {
	g := exo.NewGraph("mistaken").Cron("whenever")
	words := exo.Add(g, "words", toWords, Sentence{"hello"})
	exo.Add(g, "upper", toUpper, Sentence{strings.ToUpper(words.Out.Text)}, exo.After(words))
	fmt.Println(g.Validate())
	// Output:
	// graph "mistaken" is invalid:
	// 	triggers.0.expression: Invalid cron expression: cron expression "whenever": has 1 fields, want 5: minute, hour, day of month, month and day of week
	// 	Error creating dependent string for input ${{ WORDS.OUTPUTS.TEXT }} check syntax string: Invalid syntax string placeholder  WORDS.OUTPUTS.TEXT  for: ${{ WORDS.OUTPUTS.TEXT }}
}

func ExampleGraph_DOT() {
	g := exo.NewGraph("shouting")
	words := exo.Add(g, "words", toWords, Sentence{"hello"})
	exo.Add(g, "upper", toUpper, words.Out, exo.After(words))
	for line := range strings.Lines(g.DOT()) {
		if strings.Contains(line, "->") || strings.Contains(line, "label") {
			fmt.Print(line) // the rest is style
		}
	}
	// Output:
	//     n0 [label="words\nWords"];
	//     n1 [label="upper\nUpper"];
	//     n0 -> n1;
}

// Spec is what is sent to the state manager.
func ExampleGraph_Spec() {
	g := exo.NewGraph("shouting")
	words := exo.Add(g, "words", toWords, Sentence{"hello"})
	exo.Add(g, "upper", toUpper, words.Out, exo.After(words))
	for _, p := range g.Spec("demo").Nodes {
		fmt.Println(p.Namespace, p.Node, p.Identifier, p.Inputs, p.Next)
	}
	// Output:
	// demo Words words map[text:hello] [upper]
	// demo Upper upper map[text:${{ words.outputs.text }}] []
}

// JSON writes a graph as a file, which package graphfile reads.
func ExampleGraph_JSON() {
	g := exo.NewGraph("shouting")
	exo.Add(g, "upper", toUpper, Sentence{"hello"})
	file, err := g.JSON()
	fmt.Print(string(file))
	fmt.Println(err)
	// Output:
	// {
	//   "name": "shouting",
	//   "secrets": {},
	//   "nodes": [
	//     {
	//       "node_name": "Upper",
	//       "identifier": "upper",
	//       "inputs": {
	//         "text": "hello"
	//       }
	//     }
	//   ]
	// }
	// <nil>
}
