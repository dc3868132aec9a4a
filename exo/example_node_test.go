package exo_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"go.uber.org/zap"
)

// A node is called by the name that it is given; its types are those of the
// function.
func ExampleNode() {
	type Celsius struct {
		Degrees string `json:"degrees" jsonschema:"description=Degrees Celsius"`
	}
	type Fahrenheit struct {
		Degrees string `json:"degrees"`
	}
	convert := exo.Node("Convert", func(_ context.Context, in Celsius, _ exo.None) (Fahrenheit, error) {
		c, err := strconv.Atoi(in.Degrees)
		return Fahrenheit{strconv.Itoa(c*9/5 + 32)}, err
	})
	out, err := convert.Call(context.Background(), Celsius{"100"}, exo.None{})
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
	// node "Bill": inputs exo_test.Order: field Amount: is int, want a string: use exo.JSON[int] or convert it
}

// The graph goes on from every output by itself.
func ExampleFanOut() {
	countdown := exo.FanOut("Countdown", func(_ context.Context, in Sentence, _ exo.None) ([]Sentence, error) {
		n, err := strconv.Atoi(in.Text)
		var out []Sentence
		for ; n > 0; n-- {
			out = append(out, Sentence{strconv.Itoa(n)})
		}
		return out, err
	})
	g := exo.NewGraph("countdown")
	count := exo.Add(g, "count", countdown, Sentence{"3"})
	exo.Add(g, "upper", toUpper, count.Out, exo.After(count))
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

// JSON carries what is not a string.
func ExampleJSON() {
	type Point struct{ X, Y int }
	type Line struct {
		Points exo.JSON[[]Point] `json:"points"`
	}
	points, err := exo.ToJSON([]Point{{0, 0}, {3, 4}})
	if err != nil {
		fmt.Println(err)
	}
	line := Line{Points: points}
	fmt.Println(line.Points)
	decoded, err := line.Points.Value()
	fmt.Println(decoded[1].X, err)
	// Output:
	// [{"X":0,"Y":0},{"X":3,"Y":4}]
	// 3 <nil>
}

func ExampleToJSON() {
	fmt.Println(exo.ToJSON([]string{"a", "b"}))
	// Output: ["a","b"] <nil>
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
		return Sentence{"asked " + strconv.Itoa(asked) + " times"}, nil
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
