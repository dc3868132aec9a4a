package exo_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"go.uber.org/zap"
)

// A node is called by the name that it is given; its types are those of the
// function.
func ExampleNode() {
	type Celsius struct {
		Degrees exo.Val[int] `json:"degrees" jsonschema:"description=Degrees Celsius"`
	}
	type Fahrenheit struct {
		Degrees exo.Val[int] `json:"degrees"`
	}
	convert := exo.Node("Convert", func(_ context.Context, in Celsius, _ exo.None) (Fahrenheit, error) {
		return Fahrenheit{exo.Of(in.Degrees.V*9/5 + 32)}, nil
	})
	out, err := convert.Call(context.Background(), Celsius{exo.Of(100)}, exo.None{})
	fmt.Println(convert.Name(), out, err)
	// Output: Convert [{212}] <nil>
}

// A type that cannot travel is refused when the node is defined.
func ExampleNode_unfit() {
	defer func() { fmt.Println(recover()) }()
	type Order struct {
		Amount int `json:"amount"`
	}
	exo.Node("Bill", func(context.Context, Order, exo.None) (exo.None, error) { return exo.None{}, nil })
	// Output:
	// node "Bill": inputs exo_test.Order: field Amount: is int, want a string or an exo.Val: use exo.Val[int]
}

// The graph goes on from every output by itself.
func ExampleFanOut() {
	type Count struct {
		N exo.Val[int] `json:"n"`
	}
	countdown := exo.FanOut("Countdown", func(_ context.Context, in Count, _ exo.None) ([]Count, error) {
		var out []Count
		for n := in.N.V; n > 0; n-- {
			out = append(out, Count{exo.Of(n)})
		}
		return out, nil
	})
	g := exo.NewGraph("countdown")
	count := exo.Add(g, "count", countdown, Count{exo.Of(3)})
	exo.Add(g, "upper", toUpper, Sentence{fmt.Sprint("no. ", count.Out.N)}, exo.After(count))
	fmt.Println(exo.Outputs(drive(g, exo.TriggerOptions{}), count))
	// Output: [{3} {2} {1}] <nil>
}

// A node of somebody else is placed like one's own, and served by them.
func ExampleRemote() {
	translate := exo.Remote[Sentence, Sentence]("language-team", "Translate")

	g := exo.NewGraph("translated")
	translated := exo.Add(g, "translate", translate, Sentence{"hello"})
	exo.Add(g, "upper", toUpper, translated.Out, exo.After(translated))
	fmt.Println(len(g.Nodes()), "node to be served here:", g.Nodes()[0].Name())
	// Output: 1 node to be served here: Upper
}

func ExampleNodes() {
	for _, n := range exo.Nodes(toWords, toUpper) {
		fmt.Println(n.Name(), n.FansOut())
	}
	// Output:
	// Words true
	// Upper false
}

// A Val is a value in a node, and a reference in a graph.
func ExampleVal() {
	type Point struct{ X, Y int }
	type Line struct {
		Points exo.Val[[]Point] `json:"points"`
		Width  exo.Val[float64] `json:"width" jsonschema:"default=0.5"`
	}
	double := exo.Node("Double", func(_ context.Context, in Line, _ exo.None) (Line, error) {
		for i := range in.Points.V {
			in.Points.V[i].X *= 2
		}
		return in, nil
	})
	g := exo.NewGraph("lines")
	first := exo.Add(g, "first", double, Line{Points: exo.Of([]Point{{0, 0}, {3, 4}})})
	second := exo.Add(g, "second", double, first.Out, exo.After(first))
	fmt.Println(first.Out.Points)
	fmt.Println(exo.Outputs(drive(g, exo.TriggerOptions{}), second))
	// Output:
	// ${{ first.outputs.points }}
	// [{[{0 0} {12 4}] 0.5}] <nil>
}

func ExampleOf() {
	limit := exo.Of(100)
	fmt.Println(limit.V, limit)
	// Output: 100 100
}

// The inputs of a trigger, of which some may have no text.
func ExampleTryFields() {
	type Ratio struct {
		Ratio exo.Val[float64] `json:"ratio"`
	}
	fmt.Println(exo.TryFields(Ratio{exo.Of(0.5)}))
	fmt.Println(exo.TryFields(Ratio{exo.Of(math.Inf(1))}))
	// Output:
	// map[ratio:0.5] <nil>
	// map[] field "ratio": encode float64: is not a finite number
}

func ExampleFields() {
	type Login struct {
		User     string     `json:"user"`
		Password exo.Secret `json:"password"`
	}
	login := Login{User: "ada", Password: "s3cret"}
	fmt.Println(len(exo.Fields(login)["password"]), "letters of", login)
	// Output: 6 letters of {ada [REDACTED]}
}

// Info says which state a node is executing. With the run, the step, and what
// tells the branches apart, an effect can be made to happen once.
func ExampleInfo() {
	note := exo.Node("Note", func(ctx context.Context, _ exo.None, _ exo.None) (Sentence, error) {
		info := exo.Info(ctx)
		return Sentence{info.Graph + "/" + info.Identifier + " by " + info.Node}, nil
	})
	g := exo.NewGraph("notes")
	first := exo.Add(g, "first", note, exo.None{})
	fmt.Println(exo.Outputs(drive(g, exo.TriggerOptions{}), first))
	// Output: [{notes/first by Note}] <nil>
}

// Outside a node, as in a test of code that logs, ContextWithLogger says what
// Logger is.
func ExampleLogger() {
	work := func(ctx context.Context) { exo.Logger(ctx).Info("working") }

	work(context.Background()) // discards
	work(exo.ContextWithLogger(context.Background(), zap.NewExample()))
	// Output: {"level":"info","msg":"working"}
}

// After its time a node's context ends, and the state fails.
func ExampleWithTimeout() {
	slow := exo.Node("Slow", func(ctx context.Context, _ exo.None, _ exo.None) (exo.None, error) {
		<-ctx.Done()
		return exo.None{}, ctx.Err()
	}, exo.WithTimeout(time.Millisecond), exo.WithConcurrency(2))

	g := exo.NewGraph("slow").Retry(exo.NoRetry())
	exo.Add(g, "slow", slow, exo.None{})
	state := drive(g, exo.TriggerOptions{}).Step("slow")[0]
	fmt.Println(state.Status, strings.Contains(state.Error, "timed out after 1ms"))
	// Output: ERRORED true
}

// A branch that is of no use ends, and nothing has failed.
func ExamplePrune() {
	long := exo.Node("Long", func(_ context.Context, in Sentence, _ exo.None) (Sentence, error) {
		if len(in.Text) < 4 {
			return Sentence{}, exo.Prune(map[string]any{"letters": len(in.Text)})
		}
		return in, nil
	})
	g := exo.NewGraph("long words")
	words := exo.Add(g, "words", toWords, Sentence{"the moon"})
	kept := exo.Add(g, "long", long, words.Out, exo.After(words))
	exo.Add(g, "upper", toUpper, kept.Out, exo.After(kept))

	result := drive(g, exo.TriggerOptions{})
	pruned := result.Step("long")[0]
	fmt.Println(pruned.Status, string(pruned.Data))
	fmt.Println(len(result.Step("upper")), result.Status)
	// Output:
	// PRUNED {"letters":3}
	// 1 SUCCESS
}

// A node that waits for something is run again, and no retry is used up.
func ExampleRequeueAfter() {
	asked := 0
	poll := exo.Node("Poll", func(context.Context, exo.None, exo.None) (Sentence, error) {
		if asked++; asked < 3 {
			return Sentence{}, exo.RequeueAfter(time.Millisecond)
		}
		return Sentence{fmt.Sprintf("asked %d times", asked)}, nil
	})
	g := exo.NewGraph("polling").Retry(exo.NoRetry())
	exo.Add(g, "poll", poll, exo.None{})
	tell(drive(g, exo.TriggerOptions{}))
	// Output:
	// run: SUCCESS
	// poll SUCCESS {"text":"asked 3 times"}
}

// What no attempt can mend is not tried again.
func ExamplePermanent() {
	attempts := 0
	fetch := exo.Node("Fetch", func(context.Context, exo.None, exo.None) (Sentence, error) {
		attempts++
		return Sentence{}, exo.Permanent(errors.New("no such page"))
	})
	g := exo.NewGraph("fetching") // by default there are three retries
	exo.Add(g, "fetch", fetch, exo.None{})
	tell(drive(g, exo.TriggerOptions{}))
	fmt.Println("attempts:", attempts)
	// Output:
	// run: FAILED
	// fetch ERRORED no such page
	// attempts: 1
}
