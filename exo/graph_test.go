package exo_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"pgregory.net/rapid"
)

type (
	Line struct {
		Text  string `json:"text"`
		Limit string `json:"limit" jsonschema:"default=10"`
	}
	Word struct {
		Word  string       `json:"word"`
		Count exo.Val[int] `json:"count"`
	}
	Counts struct {
		Counts exo.Val[[]int] `json:"counts"`
		Title  string         `json:"title"`
	}
	List struct {
		Words exo.Val[[]string] `json:"words"`
	}
	Lists struct {
		Counts exo.Val[[]exo.Val[int]] `json:"counts"`
	}
	Ratio struct {
		Ratio exo.Val[float64] `json:"ratio"`
	}
	Total struct {
		Total exo.Val[int] `json:"total"`
	}
)

var (
	read  = exo.Node("Read", func(_ context.Context, in Line, _ exo.None) (Line, error) { return in, nil })
	split = exo.FanOut("Split", func(_ context.Context, in Line, _ exo.None) ([]Word, error) {
		var words []Word
		for w := range strings.FieldsSeq(in.Text) {
			words = append(words, Word{w, exo.Of(len(w))})
		}
		return words, nil
	})
	count = exo.Node("Count", func(_ context.Context, in Word, _ exo.None) (Word, error) { return in, nil })
	sum   = exo.Node("Sum", func(_ context.Context, in Counts, _ exo.None) (Total, error) {
		total := 0
		for _, n := range in.Counts.V {
			total += n
		}
		return Total{exo.Of(total)}, nil
	})
	list  = exo.Node("List", func(_ context.Context, in List, _ exo.None) (List, error) { return in, nil })
	lists = exo.Node("Lists", func(_ context.Context, in Lists, _ exo.None) (Lists, error) { return in, nil })
	ratio = exo.Node("Ratio", func(_ context.Context, in Ratio, _ exo.None) (Ratio, error) { return in, nil })
	call  = exo.Node("Call", func(_ context.Context, in Text, k key) (Text, error) {
		return Text{fmt.Sprintf("%s with a key of %d", in.Text, len(k.Key.Reveal()))}, nil
	})
)

// mapReduce is a graph with all that a graph can have.
func mapReduce() (*exo.Graph, *exo.Step[Total], *exo.Step[Text]) {
	g := exo.NewGraph("map-reduce").
		Secrets(exo.Fields(key{"0123456789"})).
		Retry(exo.RetryPolicy{MaxRetries: 1, Strategy: exo.Linear}).
		CronIn("Europe/Berlin", "0 9 * * 1-5")
	store := exo.DeclareStore[struct {
		Title string `json:"title"`
		Limit string `json:"limit" jsonschema:"default=7"`
	}](g)
	r := exo.Add(g, "read", read, Line{Text: "a bee sees", Limit: store.Limit})
	s := exo.Add(g, "split", split, Line{Text: r.Out.Text + " " + r.Out.Limit}, exo.After(r))
	c := exo.Add(g, "count", count, s.Out, exo.After(s))
	total := exo.Add(g, "sum", sum, Counts{Counts: exo.Collect(c.Out.Count), Title: store.Title},
		exo.After(c), exo.Unites(r, exo.AllSuccess))
	report := exo.Add(g, "report", call, Text{fmt.Sprintf("total: %v", total.Out.Total)}, exo.After(total))
	return g, total, report
}

func TestMapReduce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		g, total, report := mapReduce()
		_, stop := b.serve(g.Nodes())
		result := b.run(g, exo.TriggerOptions{
			Inputs: map[string]string{"text": "to be or not"},
			Store:  map[string]string{"title": "T"},
		})
		if err := result.Err(); err != nil {
			t.Fatal(err)
		}
		totals, err := exo.Outputs(result, total)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Total{{exo.Of(10)}}, totals); diff != "" { // to be or not, and the 7 of the store
			t.Error(diff)
		}
		reports, err := exo.Outputs(result, report)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Text{{"total: 10 with a key of 10"}}, reports); diff != "" {
			t.Error(diff)
		}
		_ = stop()
	})
}

func TestSpec(t *testing.T) {
	t.Parallel()
	g, _, _ := mapReduce()
	got := g.Spec("etl")
	want := exo.GraphSpec{
		Nodes: []transport.Placement{
			{
				Node: "Read", Namespace: "etl", Identifier: "read", Next: []string{"split"},
				Inputs: map[string]string{"text": "a bee sees", "limit": "${{ store.limit }}"},
			},
			{
				Node: "Split", Namespace: "etl", Identifier: "split", Next: []string{"count"},
				Inputs: map[string]string{"text": "${{ read.outputs.text }} ${{ read.outputs.limit }}", "limit": "10"},
			},
			{
				Node: "Count", Namespace: "etl", Identifier: "count", Next: []string{"sum"},
				Inputs: map[string]string{"word": "${{ split.outputs.word }}", "count": "${{ split.outputs.count }}"},
			},
			{
				Node: "Sum", Namespace: "etl", Identifier: "sum", Next: []string{"report"},
				Inputs: map[string]string{"counts": "${{ count.outputs.count }}", "title": "${{ store.title }}"},
				Unites: &transport.Unites{Identifier: "read", Strategy: exo.AllSuccess},
			},
			{
				Node: "Call", Namespace: "etl", Identifier: "report", Next: []string{},
				Inputs: map[string]string{"text": "total: ${{ sum.outputs.total }}"},
			},
		},
		Secrets:  transport.Secrets{"api_key": "0123456789"},
		Retry:    &exo.RetryPolicy{MaxRetries: 1, Strategy: exo.Linear, Backoff: 2 * time.Second, Exponent: 2},
		Store:    transport.StoreConfig{RequiredKeys: []string{"title"}, DefaultValues: map[string]string{"limit": "7"}},
		Triggers: []transport.CronTrigger{{Expression: "0 9 * * 1-5", Timezone: "Europe/Berlin"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got.Nodes[0].Inputs["text"] = "changed"
	if again := g.Spec("etl"); again.Nodes[0].Inputs["text"] != "a bee sees" {
		t.Error("Spec shares its maps with the graph")
	}
}

// Every mistake beside the state manager's answer to the same graph.
func TestValidate(t *testing.T) {
	t.Parallel()
	root := func(g *exo.Graph) *exo.Step[Line] { return exo.Add(g, "root", read, Line{Text: "x"}) }
	tests := []struct {
		name  string
		build func(g *exo.Graph)
		want  []string // "": nothing is wrong
		taken bool     // by the state manager: it shows only when the graph runs
	}{
		{"nothing", func(g *exo.Graph) { root(g) }, nil, true},
		{"no steps", func(*exo.Graph) {}, []string{"exactly one root"}, false},
		{"two roots", func(g *exo.Graph) { root(g); exo.Add(g, "other", echo, Text{"x"}) }, []string{"found 2 nodes"}, false},
		{"one ID twice", func(g *exo.Graph) { r := root(g); exo.Add(g, "root", echo, Text{"x"}, exo.After(r)) }, []string{"root is not unique"}, false},
		{"what the second step of an ID reads", func(g *exo.Graph) {
			r := root(g)
			exo.Add(g, "root", echo, Text{"${{ a"}, exo.After(r))
		}, []string{"root is not unique", "not closed"}, false},
		{"both parts of a trigger", func(g *exo.Graph) { root(g); g.CronIn("Europe/Atlantis", "0 9 * *") }, []string{"Invalid cron expression", "Invalid timezone"}, false},
		{"the structure and a secret", func(g *exo.Graph) {
			exo.Add(g, "root", call, Text{"x"})
			exo.Add(g, "other", echo, Text{"x"})
		}, []string{"found 2 nodes", "Secret api_key is required"}, false},
		{"an output that is not there, of a step", func(g *exo.Graph) {
			r := root(g)
			exo.Add(g, "next", echo, Text{"${{ root.outputs.gone }}"}, exo.After(r))
		}, []string{`step "next": Field gone in node Read`}, false},
		{"an empty ID", func(g *exo.Graph) { exo.Add(g, " ", echo, Text{"x"}) }, []string{"identifier", "cannot be empty"}, false},
		{"the ID store", func(g *exo.Graph) { exo.Add(g, "store", echo, Text{"x"}) }, []string{`step "store"`, "reserved"}, false},
		{"a step of another graph", func(g *exo.Graph) {
			r := root(g)
			exo.Add(g, "next", echo, Text{"x"}, exo.After(r, root(exo.NewGraph("other"))))
		}, []string{`step "next": After: step "root" belongs to another graph`}, true},
		{"a nil step", func(g *exo.Graph) {
			r := root(g)
			var none *exo.Step[Text]
			exo.Add(g, "next", echo, Text{"x"}, exo.After(r, nil, none), exo.Unites(none, ""))
		}, []string{`step "next": After: a step is nil`, "Unites: step is nil"}, true},
		{"a step twice", func(g *exo.Graph) {
			r := root(g)
			exo.Add(g, "next", echo, Text{"x"}, exo.After(r, r))
		}, []string{`step "next": After: duplicate step "root"`}, true},
		{"Unites twice", func(g *exo.Graph) {
			r := root(g)
			exo.Add(g, "next", echo, Text{"x"}, exo.After(r), exo.Unites(r, ""), exo.Unites(r, ""))
		}, []string{`step "next": Unites is given twice`}, true},
		{"a reference that is not closed", func(g *exo.Graph) { exo.Add(g, "root", echo, Text{"${{ a"}) }, []string{"not closed"}, false},
		{"a reference to nothing", func(g *exo.Graph) { exo.Add(g, "root", echo, Text{"${{ a.outputs.b }}"}) }, []string{"a is not a parent of root"}, false},
		{"a reference to what comes later", func(g *exo.Graph) {
			r := exo.Add(g, "root", echo, Text{"${{ next.outputs.text }}"})
			exo.Add(g, "next", echo, r.Out, exo.After(r))
		}, []string{"next is not a parent of root"}, false},
		{"a diamond that reads both branches", func(g *exo.Graph) {
			r := root(g)
			a := exo.Add(g, "a", echo, Text{r.Out.Text}, exo.After(r))
			b := exo.Add(g, "b", echo, Text{r.Out.Text}, exo.After(r))
			exo.Add(g, "both", echo, Text{a.Out.Text + b.Out.Text}, exo.After(a, b))
		}, []string{"a is not a parent of both on every path", "b is not a parent of both on every path"}, false},
		{"an output that is not there", func(g *exo.Graph) {
			r := root(g)
			exo.Add(g, "next", echo, Text{"${{ root.outputs.gone }}"}, exo.After(r))
		}, []string{"Field gone in node Read"}, false},
		{"a key of the store that is not declared", func(g *exo.Graph) { exo.Add(g, "root", echo, Text{"${{ store.k }}"}) }, []string{"k is not a required key"}, false},
		{"a key declared twice", func(g *exo.Graph) {
			exo.DeclareStore[Text](g)
			exo.DeclareStore[Text](g)
			root(g)
		}, []string{`store: key "text" is declared twice`}, true},
		{"a store of numbers", func(g *exo.Graph) { exo.DeclareStore[struct{ N int }](g); root(g) }, []string{"store: ", "exo.Val[int]"}, true},
		{"a secret that is missing", func(g *exo.Graph) { exo.Add(g, "root", call, Text{"x"}) }, []string{"Secret api_key is required"}, false},
		{"a secret without a name", func(g *exo.Graph) { g.Secrets(map[string]string{"": "x"}); root(g) }, []string{"Secrets cannot be empty"}, false},
		{"a cron expression", func(g *exo.Graph) { root(g); g.Cron("0 9 * *") }, []string{"triggers.0", "Invalid cron expression"}, false},
		{"a timezone", func(g *exo.Graph) { root(g); g.CronIn("Europe/Atlantis", "0 9 * * *") }, []string{"triggers.0", "Invalid timezone"}, false},
		{"a retry policy", func(g *exo.Graph) {
			root(g)
			g.Retry(exo.RetryPolicy{MaxRetries: -1, Strategy: "NEVER", Backoff: -1, Exponent: -1, MaxDelay: -1})
		}, []string{"max_retries", "strategy", "backoff_factor", "exponent", "max_delay"}, false},
		{"a join that nothing leads to", func(g *exo.Graph) { r := root(g); exo.Add(g, "join", echo, Text{"x"}, exo.Unites(r, exo.AllDone)) }, []string{"join is not connected"}, false},
		{"a join by no known strategy", func(g *exo.Graph) {
			r := root(g)
			exo.Add(g, "join", echo, Text{"x"}, exo.After(r), exo.Unites(r, "SOME"))
		}, []string{`step "join": unites.strategy`, "ALL_SUCCESS"}, false},
		{"a join of a step that fans out", func(g *exo.Graph) {
			s := exo.Add(g, "split", split, Line{Text: "x"})
			exo.Add(g, "join", echo, Text{"x"}, exo.After(s), exo.Unites(s, ""))
		}, []string{`step "join": unites step "split", which fans out`, "UnitesEach"}, true},
		{"the same, as asked for", func(g *exo.Graph) {
			s := exo.Add(g, "split", split, Line{Text: "x"})
			exo.Add(g, "join", echo, Text{"x"}, exo.After(s), exo.UnitesEach(s, ""))
		}, nil, true},
		{"a branch's output without Collect", func(g *exo.Graph) {
			r := root(g)
			b := exo.Add(g, "branch", echo, Text{"x"}, exo.After(r))
			exo.Add(g, "join", echo, b.Out, exo.After(b), exo.Unites(r, ""))
		}, []string{`step "join": input "text" reads step "branch", which may have many states: use Collect`}, true},
		{"Collect of what comes before the anchor", func(g *exo.Graph) {
			r := exo.Add(g, "root", count, Word{"x", exo.Of(1)})
			exo.Add(g, "join", sum, Counts{Counts: exo.Collect(r.Out.Count)}, exo.After(r), exo.Unites(r, ""))
		}, []string{`step "join": input "counts": Collect and CollectAll take`}, true},
		{"CollectAll of what comes before the anchor", func(g *exo.Graph) {
			r := exo.Add(g, "root", count, Word{"x", exo.Of(1)})
			exo.Add(g, "join", echo, Text{fmt.Sprint(exo.CollectAll(r.Out.Count))}, exo.After(r), exo.Unites(r, ""))
		}, []string{"depends on the branches of root but root is not between root and join"}, false},
		{"branches without CollectAll", func(g *exo.Graph) {
			r := root(g)
			b := exo.Add(g, "branch", count, Word{"x", exo.Of(1)}, exo.After(r))
			exo.Add(g, "join", echo, Text{fmt.Sprint(exo.CollectAll(b.Out.Count))}, exo.After(b), exo.Unites(r, ""))
		}, []string{`step "join": input "text" reads step "branch", which may have many states: use Collect or CollectAll`}, true},
		{"Collect without a join", func(g *exo.Graph) {
			r := exo.Add(g, "root", count, Word{"x", exo.Of(1)})
			exo.Add(g, "next", sum, Counts{Counts: exo.Collect(r.Out.Count)}, exo.After(r))
		}, []string{`step "next": input "counts": Collect and CollectAll take`}, true},
		{"Collect of a literal", func(g *exo.Graph) {
			exo.Add(g, "root", sum, Counts{Counts: exo.Collect(exo.Of(1))})
		}, []string{`Collect and CollectAll stand alone`}, true},
		{"a reference that is part of a value", func(g *exo.Graph) {
			r := exo.Add(g, "root", echo, Text{"x"})
			exo.Add(g, "next", list, List{exo.Of([]string{r.Out.Text})}, exo.After(r))
		}, []string{`step "next": input "words" travels as JSON, and only part of its value is a reference`}, true},
		{"a Val of a step within a value", func(g *exo.Graph) {
			r := exo.Add(g, "root", count, Word{"x", exo.Of(1)})
			exo.Add(g, "next", lists, Lists{exo.Of([]exo.Val[int]{r.Out.Count})}, exo.After(r))
		}, []string{`step "next": input "counts": `, "a reference to a step's output is not a value"}, true},
		{"a reference whose value was set", func(g *exo.Graph) {
			r := exo.Add(g, "root", count, Word{"x", exo.Of(1)})
			in := r.Out
			in.Count.V++
			exo.Add(g, "next", count, in, exo.After(r))
		}, []string{`step "next": input "count": is a reference to a step's output whose V was set`}, true},
		{"an input that is not given", func(g *exo.Graph) {
			r := exo.Add(g, "root", count, Word{Word: "x"}) // the trigger gives it
			exo.Add(g, "next", count, Word{Word: r.Out.Word}, exo.After(r))
		}, []string{`step "next": input "count" is not given`}, true},
		{"a value without a text", func(g *exo.Graph) {
			exo.Add(g, "root", ratio, Ratio{exo.Of(math.NaN())})
		}, []string{`step "root": input "ratio": field "ratio": encode float64: is not a finite number`}, true},
		{"many things at once", func(g *exo.Graph) {
			g.Cron("nonsense")
			r := exo.Add(g, "root", count, Word{"${{ x", exo.Of(1)})
			exo.Add(g, "join", sum, Counts{Counts: exo.Collect(r.Out.Count), Title: "${{ store.t }}"}, exo.After(r), exo.Unites(r, ""))
		}, []string{"cron", "not closed", "Collect and CollectAll take", "t is not a required key"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := exo.NewGraph("g")
			test.build(g)
			err := g.Validate()
			var invalid *exo.GraphInvalidError
			if len(test.want) == 0 && err != nil {
				t.Errorf("refused: %v", err)
			} else if len(test.want) > 0 && (!errors.As(err, &invalid) || len(invalid.Errors) == 0) {
				t.Fatalf("taken: %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in:\n%v", want, err)
				}
			}
			theirs := answer(t, g)
			if (theirs == nil) != test.taken {
				t.Errorf("the state manager: %v", theirs)
			}
		})
	}
}

// A state manager names an unknown node several times, in two ways; here it is
// named once.
func TestUnknownNodeIsNamedOnce(t *testing.T) {
	t.Parallel()
	unknown := exo.Node("Unknown", func(_ context.Context, in Text, _ exo.None) (Text, error) { return in, nil })
	g := exo.NewGraph("g")
	r := exo.Add(g, "root", unknown, Text{"x"})
	exo.Add(g, "next", unknown, r.Out, exo.After(r))
	var invalid *exo.GraphInvalidError
	if err := answer(t, g); !errors.As(err, &invalid) {
		t.Fatal(err)
	}
	if want := []string{"Node Unknown in namespace " + namespace + " does not exist"}; !slices.Equal(invalid.Errors, want) {
		t.Errorf("the errors are %q, want %q", invalid.Errors, want)
	}
}

// An invalid graph leaves the valid one before it in service, and says so.
func TestInvalidUpsertLeavesTheServingVersion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		opts    []local.Option
		serving int
		says    string
	}{
		{"with extensions", nil, 1, `graph "g" is invalid (version 1 keeps serving): Node Unknown`},
		{"without extensions", []local.Option{local.WithoutExtensions()}, 0, `graph "g" is invalid: Node Unknown`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sm := local.New(c.opts...)
			defer func() { _ = sm.Close() }()
			if err := sm.Namespace(namespace).Register(t.Context(), "w", []transport.NodeSpec{echo.Spec()}); err != nil {
				t.Fatal(err)
			}
			m, err := exo.NewStateManager(namespace, exo.WithStateManager(sm), exo.WithLogger(zap.NewNop()))
			if err != nil {
				t.Fatal(err)
			}
			good, bad := exo.NewGraph("g"), exo.NewGraph("g")
			exo.Add(good, "root", echo, Text{"x"})
			exo.Add(bad, "root", exo.Node("Unknown", func(_ context.Context, in Text, _ exo.None) (Text, error) { return in, nil }), Text{"x"})
			if g, err := m.UpsertGraph(t.Context(), good); err != nil || g.ServingVersion != c.serving {
				t.Fatalf("%+v, %v", g, err)
			}
			_, err = m.UpsertGraph(t.Context(), bad)
			var invalid *exo.GraphInvalidError
			if !errors.As(err, &invalid) || invalid.ServingVersion != c.serving || !strings.HasPrefix(err.Error(), c.says) {
				t.Errorf("the error is %v, want it to begin with %q", err, c.says)
			}
			_, err = m.Trigger(t.Context(), "g", exo.TriggerOptions{})
			if (err == nil) != (c.serving > 0) {
				t.Errorf("Trigger: %v", err)
			}
		})
	}
}

// answer is what a state manager that knows the nodes says to a graph.
func answer(t testing.TB, g *exo.Graph) error {
	t.Helper()
	sm := local.New()
	defer func() { _ = sm.Close() }()
	specs := []transport.NodeSpec{}
	for _, n := range []node.Any{read, split, count, sum, call, echo, list, lists, ratio} {
		specs = append(specs, n.Spec())
	}
	if err := sm.Namespace(namespace).Register(t.Context(), "w", specs); err != nil {
		t.Fatal(err)
	}
	m, err := exo.NewStateManager(namespace, exo.WithStateManager(sm), exo.WithLogger(zap.NewNop()))
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.UpsertSpec(t.Context(), g.Name(), g.Spec(namespace))
	return err
}

// What Validate takes, the state manager takes; and what the state manager
// refuses, Validate refuses, and nothing else but for the traps.
func TestValidateAgreesWithTheStateManager(t *testing.T) {
	t.Parallel()
	traps := regexp.MustCompile(`use Collect|CollectAll take|CollectAll stand alone|UnitesEach|is given twice|duplicate step|travels as JSON|is not given|unites itself`)
	taken, refused := 0, 0
	check := func(rt *rapid.T) {
		g := randomGraph(rt)
		ours, theirs := g.Validate(), answer(t, g)
		var invalid *exo.GraphInvalidError
		switch {
		case ours == nil && theirs != nil:
			rt.Fatalf("Validate takes what the state manager refuses: %v", theirs)
		case ours != nil && theirs == nil:
			if !errors.As(ours, &invalid) {
				rt.Fatal(ours)
			}
			for _, e := range invalid.Errors {
				if !traps.MatchString(e) {
					rt.Fatalf("Validate refuses what the state manager takes: %s", e)
				}
			}
		case ours == nil:
			taken++
		default:
			refused++
		}
	}
	for range 10 { // of a hundred graphs each
		rapid.Check(t, check)
	}
	t.Logf("%d graphs taken, %d refused", taken, refused)
	if taken == 0 || refused == 0 {
		t.Error("the graphs are not varied enough")
	}
}

func randomGraph(rt *rapid.T) *exo.Graph {
	g := exo.NewGraph("random")
	if rapid.IntRange(0, 3).Draw(rt, "store") > 0 {
		exo.DeclareStore[struct {
			A string `json:"a"`
			B string `json:"b" jsonschema:"default=x"`
		}](g)
	}
	if rapid.IntRange(0, 4).Draw(rt, "secret") > 0 {
		g.Secrets(exo.Fields(key{"k"}))
	}
	if rapid.IntRange(0, 12).Draw(rt, "cron") == 0 {
		g.Cron(rapid.SampledFrom([]string{"* * * * *", "0 9 30 2 *", "x"}).Draw(rt, "expression"))
	}
	var steps []exo.AnyStep
	n := rapid.IntRange(1, 6).Draw(rt, "steps")
	for i := range n {
		id := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "a.b"}).Filter(func(s string) bool { return i > 0 || s != "" }).Draw(rt, "id")
		if rapid.IntRange(0, 40).Draw(rt, "own") > 0 {
			id = fmt.Sprintf("s%d", i)
		}
		text := rapid.SampledFrom([]string{
			"x", "", "y", "z", "${{ s0.outputs.text }}", "${{ s0.outputs.text }}", "a ${{s0.outputs.text}} b ${{ s1.outputs.text }}", "${{ s2.outputs.text }}", "${{ s1.outputs.word }}",
			"${{ store.a }}", "${{ store.b }}", "${{ store.c }}", "${{ x", "${{ s0.outputs }}", "$ {{ }}",
		}).Draw(rt, "text")
		var opts []exo.StepOption
		if i > 0 {
			for _, p := range rapid.SliceOfN(rapid.IntRange(0, i-1), 0, 2).Draw(rt, "parents") {
				opts = append(opts, exo.After(steps[p]))
			}
			if rapid.IntRange(0, 9).Draw(rt, "chain") > 0 && len(opts) == 0 {
				opts = append(opts, exo.After(steps[i-1]))
			}
			if rapid.IntRange(0, 3).Draw(rt, "join") == 0 {
				opts = append(opts, exo.Unites(steps[rapid.IntRange(0, i-1).Draw(rt, "anchor")], exo.AllDone))
			}
		}
		switch rapid.IntRange(0, 3).Draw(rt, "node") {
		case 0:
			steps = append(steps, exo.Add(g, id, split, Line{Text: text}, opts...))
		case 1:
			steps = append(steps, exo.Add(g, id, call, Text{text}, opts...))
		default:
			steps = append(steps, exo.Add(g, id, echo, Text{text}, opts...))
		}
	}
	return g
}

// withoutCollect is a state manager that lacks the extension.
type withoutCollect struct {
	transport.Transport
	puts int
}

func (w *withoutCollect) Namespace(string) transport.Transport { return w }

func (w *withoutCollect) Extensions(context.Context) ([]transport.Extension, error) {
	return []transport.Extension{transport.ExtensionWait}, nil
}

func (w *withoutCollect) PutGraph(ctx context.Context, name string, g transport.GraphSpec) (transport.GraphInfo, error) {
	w.puts++
	return w.Transport.PutGraph(ctx, name, g)
}

func TestCollectNeedsItsExtension(t *testing.T) {
	t.Parallel()
	sm := local.New()
	defer func() { _ = sm.Close() }()
	w := &withoutCollect{Transport: sm.Namespace(namespace)}
	m, err := exo.NewStateManager(namespace, exo.WithStateManager(w), exo.WithLogger(zap.NewNop()))
	if err != nil {
		t.Fatal(err)
	}
	g, _, _ := mapReduce()
	if _, err := m.UpsertGraph(t.Context(), g); !errors.Is(err, transport.ErrUnsupported) || !strings.Contains(err.Error(), `"collect"`) {
		t.Errorf("%v, want ErrUnsupported", err)
	}
	all := exo.NewGraph("all")
	r := exo.Add(all, "root", echo, Text{"x"})
	branch := exo.Add(all, "branch", count, Word{"x", exo.Of(1)}, exo.After(r))
	exo.Add(all, "join", exo.Node("All", func(context.Context, struct{ All exo.Val[[]exo.Branch[int]] }, exo.None) (exo.None, error) {
		return exo.None{}, nil
	}), struct{ All exo.Val[[]exo.Branch[int]] }{exo.CollectAll(branch.Out.Count)}, exo.After(branch), exo.Unites(r, exo.AllDone))
	if _, err := m.UpsertGraph(t.Context(), all); !errors.Is(err, transport.ErrUnsupported) || !strings.Contains(err.Error(), `"collect"`) {
		t.Errorf("with CollectAll: %v, want ErrUnsupported", err)
	}
	if w.puts != 0 {
		t.Error("the graph was sent")
	}
	plainGraph, _ := one(echo)
	if _, err := m.UpsertGraph(t.Context(), plainGraph); errors.Is(err, transport.ErrUnsupported) || w.puts != 1 {
		t.Errorf("a graph that needs nothing: %v", err)
	}
}

// The compiler refuses wrong wiring.
func TestRefusedByTheCompiler(t *testing.T) {
	t.Parallel()
	const dir, nodes = "testdata/refused", "nodes.go"
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if file.Name() == nodes {
			continue
		}
		t.Run(strings.TrimSuffix(file.Name(), ".go"), func(t *testing.T) {
			t.Parallel()
			source, err := os.ReadFile(filepath.Join(dir, file.Name()))
			if err != nil {
				t.Fatal(err)
			}
			build := exec.Command("go", "build", "-o", os.DevNull, nodes, file.Name())
			build.Dir = dir
			out, err := build.CombinedOutput()
			want, refused := strings.CutPrefix(string(source), "// want \"")
			if !refused { // so the others are refused for what they alone have
				if err != nil {
					t.Errorf("refused: %s", out)
				}
				return
			}
			want, _, _ = strings.Cut(want, "\"\n")
			if err == nil {
				t.Fatal("the compiler takes it")
			}
			if !strings.Contains(string(out), want) || strings.Count(string(out), file.Name()+":") != 1 {
				t.Errorf("want one error with %q:\n%s", want, out)
			}
		})
	}
	if len(files) < 7 {
		t.Errorf("only %d files", len(files))
	}
}

func TestPictures(t *testing.T) {
	t.Parallel()
	g, _, _ := mapReduce()
	golden(t, "map-reduce.mermaid", g.Mermaid())
	golden(t, "map-reduce.dot", g.DOT())
	odd := exo.NewGraph(`a "b" \c`)
	r := exo.Add(odd, `<"x"> & 'y'`, exo.Remote[Text, Text]("other", "Do"), Text{"x"})
	exo.Add(odd, "plain", echo, Text{"x"}, exo.After(r))
	golden(t, "odd.mermaid", odd.Mermaid())
	golden(t, "odd.dot", odd.DOT())
}

func TestRunPictures(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		fail := exo.Node("Fail", func(ctx context.Context, _ Text, _ exo.None) (Text, error) {
			if exo.Info(ctx).Attempt == 0 {
				return Text{}, errors.New("once")
			}
			return Text{}, exo.Prune(nil)
		})
		g := exo.NewGraph("run")
		r := exo.Add(g, "root", echo, Text{"x"})
		exo.Add(g, "fail", fail, r.Out, exo.After(r))
		_, stop := b.serve(g.Nodes())
		result := b.run(g, exo.TriggerOptions{})
		_ = stop()
		picture, err := b.manager().Run(result.ID).Graph(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "run.mermaid", picture.Mermaid())
		golden(t, "run.dot", picture.DOT())
	})
}
