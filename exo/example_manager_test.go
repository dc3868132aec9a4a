package exo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/graphfile"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
)

// shoutingGraph is a graph of one step.
func shoutingGraph(text string) (*exo.Graph, *exo.Step[Sentence]) {
	g := exo.NewGraph("shouting")
	return g, exo.Add(g, "upper", toUpper, Sentence{text})
}

// A client of a state manager that is reached over HTTP: here one on a port of
// this machine.
func ExampleNewStateManager() {
	sm := local.New()
	defer func() { _ = sm.Close() }()
	server := httptest.NewServer(sm.Handler("a key"))
	defer server.Close()
	client := &http.Client{}
	defer client.CloseIdleConnections()

	for _, key := range []string{"a key", "another"} {
		m, err := exo.NewStateManager("demo",
			exo.WithURL(server.URL),
			exo.WithAPIKey(key),
			exo.WithHTTPClient(client),
			exo.WithLogger(zap.NewNop()),
			exo.WithRunPollInterval(100*time.Millisecond),
			exo.WithValidationTimeout(10*time.Second),
		)
		if err != nil {
			fmt.Println(err)
			return
		}
		graphs, err := m.Graphs(context.Background())
		fmt.Println(m.Namespace(), len(graphs), errors.Is(err, transport.ErrUnauthorized))
	}
	// Output:
	// demo 0 false
	// demo 0 true
}

// A graph is validated here, and then by the state manager, which knows what
// nodes are registered.
func ExampleStateManager_UpsertGraph() {
	d := newDemo(exo.Nodes(toUpper))
	defer d.end()
	ctx := context.Background()

	g, _ := shoutingGraph("hello")
	info, err := d.UpsertGraph(ctx, g)
	fmt.Println(info.Status, err)

	g = exo.NewGraph("words")
	exo.Add(g, "words", toWords, Sentence{"hello world"}) // nobody serves it
	_, err = d.UpsertGraph(ctx, g)
	var invalid *exo.GraphInvalidError
	if errors.As(err, &invalid) {
		fmt.Println(invalid.Graph+":", invalid.Errors[0])
	}
	// Output:
	// VALID <nil>
	// words: Node Words in namespace demo does not exist
}

// A graph without types, such as one from a file.
func ExampleStateManager_UpsertSpec() {
	d := newDemo(exo.Nodes(toUpper))
	defer d.end()
	ctx := context.Background()

	name, spec, err := graphfile.Parse([]byte(`{
		"name": "shouting",
		"secrets": {},
		"nodes": [{"node_name": "Upper", "identifier": "upper", "inputs": {"text": "hello"}}]
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	info, err := d.UpsertSpec(ctx, name, spec)
	fmt.Println(info.Name, info.Status, err)
	// Output:
	// shouting VALID <nil>
}

// A trigger may replace inputs of the root step, give the run's store, and put
// the start off.
func ExampleStateManager_Trigger() {
	g, upper := shoutingGraph("nothing yet")
	d := newDemo(g.Nodes())
	defer d.end()
	ctx := context.Background()
	if _, err := d.UpsertGraph(ctx, g); err != nil {
		fmt.Println(err)
		return
	}
	run, err := d.Trigger(ctx, g.Name(), exo.TriggerOptions{
		Inputs:     map[string]string{"text": "hello"},
		Store:      map[string]string{"by": "hand"},
		StartDelay: time.Millisecond,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := run.Wait(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(exo.Outputs(result, upper))

	_, err = d.Trigger(ctx, "unknown", exo.TriggerOptions{})
	fmt.Println(errors.Is(err, transport.ErrNotFound))
	// Output:
	// [{HELLO}] <nil>
	// true
}

// A run that failed is a result. Err says what failed.
func ExampleRun_Wait() {
	broken := exo.Node("Broken", func(context.Context, exo.None, exo.None) (exo.None, error) {
		return exo.None{}, errors.New("out of order")
	})
	g := exo.NewGraph("broken").Retry(exo.NoRetry())
	exo.Add(g, "broken", broken, exo.None{})
	d := newDemo(g.Nodes())
	defer d.end()

	result, err := d.start(g, exo.TriggerOptions{}).Wait(context.Background())
	if err != nil {
		fmt.Println("the state manager did not say:", err)
		return
	}
	fmt.Println(result.Status, result.Err() != nil)
	for _, s := range result.Step("broken") {
		fmt.Println(s.Identifier, s.Status, s.Error)
	}
	// Output:
	// FAILED true
	// broken ERRORED out of order
}

func ExampleOutputs() {
	g := exo.NewGraph("words")
	words := exo.Add(g, "words", toWords, Sentence{"one two"})
	outputs, err := exo.Outputs(drive(g, exo.TriggerOptions{}), words)
	for _, o := range outputs {
		fmt.Println(o.Text)
	}
	fmt.Println(err)
	// Output:
	// one
	// two
	// <nil>
}

// The newest run comes first. Pages are fetched as they are needed.
func ExampleStateManager_Runs() {
	g, _ := shoutingGraph("hello")
	other := exo.NewGraph("other")
	exo.Add(other, "upper", toUpper, Sentence{"hello"})
	d := newDemo(g.Nodes())
	defer d.end()
	ctx := context.Background()
	for _, graph := range []*exo.Graph{g, g, other} {
		if _, err := d.start(graph, exo.TriggerOptions{}).Wait(ctx); err != nil {
			fmt.Println(err)
		}
	}
	for run, err := range d.Runs(ctx, exo.RunsOfGraph("shouting"), exo.RunsWithStatus(exo.RunSuccess)) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(run.Graph, run.Status, run.Success, "of", run.Total)
	}
	// Output:
	// shouting SUCCESS 1 of 1
	// shouting SUCCESS 1 of 1
}

// When what was wrong is mended, a state can be tried again by hand.
func ExampleStateManager_RetryState() {
	mended := false
	fragile := exo.Node("Fragile", func(context.Context, exo.None, exo.None) (Sentence, error) {
		if !mended {
			return Sentence{}, errors.New("out of order")
		}
		return Sentence{"done"}, nil
	})
	g := exo.NewGraph("fragile").Retry(exo.NoRetry())
	step := exo.Add(g, "fragile", fragile, exo.None{})
	d := newDemo(g.Nodes())
	defer d.end()
	ctx := context.Background()
	run := d.start(g, exo.TriggerOptions{})
	result, err := run.Wait(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Status)

	mended = true
	failed := result.Step("fragile")[0].ID
	if _, err := d.RetryState(ctx, failed, "after the repair"); err != nil {
		fmt.Println(err)
		return
	}
	if result, err = run.Wait(ctx); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(exo.Outputs(result, step))

	_, err = d.RetryState(ctx, failed, "after the repair")
	fmt.Println("once more:", errors.Is(err, transport.ErrConflict))
	// Output:
	// FAILED
	// [{done}] <nil>
	// once more: true
}

// States that are not executed yet never will be.
func ExampleRun_Cancel() {
	g, _ := shoutingGraph("hello")
	d := newDemo(g.Nodes())
	defer d.end()
	ctx := context.Background()
	run := d.start(g, exo.TriggerOptions{StartDelay: time.Hour})
	if err := run.Cancel(ctx); err != nil {
		fmt.Println(err)
		return
	}
	result, err := d.Run(run.ID).Wait(ctx) // a handle, by the run's id
	if err != nil {
		fmt.Println(err)
		return
	}
	tell(result)
	// Output:
	// run: CANCELLED
	// upper CANCELLED {}
}

func ExampleStateManager_CancelTriggers() {
	g, _ := shoutingGraph("hello")
	d := newDemo(g.Nodes())
	defer d.end()
	ctx := context.Background()
	if _, err := d.UpsertGraph(ctx, g.Cron("0 9 * * *", "0 17 * * *")); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.CancelTriggers(ctx, g.Name()))
	fmt.Println(d.CancelTriggers(ctx, g.Name()))
	// Output:
	// 2 <nil>
	// 0 <nil>
}

// What a state manager has.
func ExampleStateManager_Graphs() {
	g, _ := shoutingGraph("hello")
	d := newDemo(g.Nodes())
	defer d.end()
	ctx := context.Background()
	if _, err := d.UpsertGraph(ctx, g); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Namespaces(ctx))

	nodes, err := d.Nodes(ctx)
	fmt.Println(nodes[0].Name, err)

	graphs, err := d.Graphs(ctx)
	fmt.Println(graphs[0].Name, graphs[0].Status, err)

	_, err = d.GetGraph(ctx, "unknown")
	fmt.Println(errors.Is(err, transport.ErrNotFound))
	// Output:
	// [demo] <nil>
	// Upper <nil>
	// shouting VALID <nil>
	// true
}

// How the states of a run followed one another, as a picture.
func ExampleRun_Graph() {
	g := exo.NewGraph("shouting")
	words := exo.Add(g, "words", toWords, Sentence{"hello"})
	exo.Add(g, "upper", toUpper, words.Out, exo.After(words))
	d := newDemo(g.Nodes())
	defer d.end()
	ctx := context.Background()
	run := d.start(g, exo.TriggerOptions{})
	if _, err := run.Wait(ctx); err != nil {
		fmt.Println(err)
		return
	}
	states, err := run.Graph(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(states.Mermaid())
	// Output:
	// flowchart TD
	//     n0["words<br/>SUCCESS"]
	//     n1["upper<br/>SUCCESS"]
	//     n0 --> n1
	//     style n0 fill:#c8e6c9,color:#000
	//     style n1 fill:#c8e6c9,color:#000
}

// The reference server decides joins only when a branch arrives: one that was
// pruned loses the join, and the run shows success all the same.
func ExampleRunResult_StuckJoins() {
	short := exo.Node("Short", func(_ context.Context, in Sentence, _ exo.None) (Sentence, error) {
		if len(in.Text) > 3 {
			return Sentence{}, exo.Prune(nil)
		}
		return in, nil
	})
	g := exo.NewGraph("short words")
	start := exo.Add(g, "start", toUpper, Sentence{"the moon"})
	words := exo.Add(g, "words", toWords, start.Out, exo.After(start))
	kept := exo.Add(g, "short", short, words.Out, exo.After(words))
	exo.Add(g, "join", toUpper, start.Out, exo.After(kept), exo.Unites(start, exo.AllSuccess))

	for _, sm := range []*local.Server{local.New(), local.New(local.AsReference())} {
		d := newDemoOn(sm, g.Nodes())
		result, err := d.start(g, exo.TriggerOptions{}).Wait(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(result.Status, "lost:", len(result.StuckJoins(g.Spec("demo").Nodes)))
		d.end()
	}
	// Output:
	// SUCCESS lost: 0
	// SUCCESS lost: 1
}
