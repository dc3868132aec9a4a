package statemanager_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

func TestStructure(t *testing.T) {
	t.Parallel()
	all := transport.AllSuccess
	for _, c := range []struct {
		name  string
		nodes []transport.Placement
		want  string // "": it is taken
	}{
		{"no node", nil, "There should be exactly one root node in the graph but found 0 nodes with zero in-degree: []"},
		{
			"two roots",
			[]transport.Placement{step("a"), step("b")},
			"There should be exactly one root node in the graph but found 2 nodes with zero in-degree: [a, b]",
		},
		{"an identifier twice", []transport.Placement{step("a"), step("a")}, "Node identifier a is not unique"},
		{"unknown next node", []transport.Placement{step("a", "zz")}, "Node identifier zz does not exist in the graph"},
		{
			"a node after itself",
			[]transport.Placement{step("a", "a")},
			"There should be exactly one root node in the graph but found 0 nodes with zero in-degree: []",
		},
		{"a circle behind the root", []transport.Placement{step("r", "a"), step("a", "b"), step("b", "a")}, "Node a is not acyclic"},
		{
			"a circle apart",
			[]transport.Placement{step("r"), step("a", "b"), step("b", "a")},
			"Node a is not connected to the root node\nNode b is not connected to the root node",
		},
		{"a diamond", []transport.Placement{step("r", "x", "y"), step("x", "z"), step("y", "z"), step("z")}, ""},
		{"white space around names", []transport.Placement{step(" a ", " b "), step("b")}, ""},
		{"names with dots and spaces", []transport.Placement{step("a.b", "c d"), step("c d")}, ""},

		{"a join", []transport.Placement{step("a", "b"), unite(step("b"), "a", all)}, ""},
		{
			"a join of nothing",
			[]transport.Placement{step("a", "b"), unite(step("b"), "zzz", all)},
			"Node b has an unites target zzz that does not exist",
		},
		{
			"a join of itself",
			[]transport.Placement{step("a", "b"), unite(step("b"), "b", all)},
			"Node b has an unites target b that is the same as the node itself",
		},
		{
			"a join that nothing leads to",
			[]transport.Placement{step("a"), unite(step("b"), "a", all)},
			"Node b is not connected to the root node",
		},
		{
			"a join before its anchor",
			[]transport.Placement{step("r", "u"), unite(step("u", "a"), "a", all), step("a")},
			"Node u is not acyclic",
		},
		{
			"a join that is led to from outside",
			[]transport.Placement{
				step("r", "a", "b"), step("a", "u"), step("b", "u"), unite(step("u"), "a", all),
			},
			"Node u unites a but b leads to it from elsewhere",
		},
		{"a join of a join", []transport.Placement{
			step("r", "u"), unite(step("u", "v"), "r", all), unite(step("v"), "u", all),
		}, ""},

		{"input of a parent", []transport.Placement{step("a", "b"), with(step("b"), "x ${{ a.outputs.o }}${{a.outputs.o}} y")}, ""},
		{"input of a grandparent", []transport.Placement{step("a", "b"), step("b", "c"), with(step("c"), "${{ a.outputs.o }}")}, ""},
		{
			"input of nobody",
			[]transport.Placement{with(step("a"), "${{ zzz.outputs.o }}")},
			"Input ${{ zzz.outputs.o }} depends on zzz but zzz is not a parent of a",
		},
		{
			"input of a child",
			[]transport.Placement{with(step("a", "b"), "${{ b.outputs.o }}"), step("b")},
			"Input ${{ b.outputs.o }} depends on b but b is not a parent of a",
		},
		{
			"input of itself",
			[]transport.Placement{with(step("a"), "${{ a.outputs.o }}")},
			"Input ${{ a.outputs.o }} depends on a but a is not a parent of a",
		},
		{
			"a diamond that reads one branch",
			[]transport.Placement{
				step("r", "x", "y"), step("x", "z"), step("y", "z"), with(step("z"), "${{ x.outputs.o }}"),
			},
			"Input ${{ x.outputs.o }} depends on x but x is not a parent of z on every path",
		},
		{"a diamond that reads above it", []transport.Placement{
			step("r", "x", "y"), step("x", "z"), step("y", "z"), with(step("z"), "${{ r.outputs.o }}"),
		}, ""},
		{"a join that reads its anchor and above", []transport.Placement{
			step("r", "a"), step("a", "b"), step("b", "u"),
			with(unite(step("u"), "a", all), "${{ r.outputs.o }} ${{ a.outputs.o }}"),
		}, ""},
		{"a join that collects its branches", []transport.Placement{
			step("r", "a"), step("a", "u"), with(unite(step("u"), "r", all), "${{ a.outputs.o }}"),
		}, ""},
		{
			"a join that collects what does not lead to it",
			[]transport.Placement{
				step("r", "a", "b"), step("a", "u"), step("b"), with(unite(step("u"), "r", all), "${{ b.outputs.o }}"),
			},
			"Input ${{ b.outputs.o }} depends on b but b is not a parent of u",
		},
		{"what follows a join reads the join", []transport.Placement{
			step("r", "a"), step("a", "u"), unite(step("u", "z"), "r", all), with(step("z"), "${{ u.outputs.o }} ${{ r.outputs.o }}"),
		}, ""},
		{
			"what follows a join reads a branch",
			[]transport.Placement{
				step("r", "a"), step("a", "u"), unite(step("u", "z"), "r", all), with(step("z"), "${{ a.outputs.o }}"),
			},
			"Input ${{ a.outputs.o }} depends on a but a is not a parent of z on every path",
		},

		{
			"bad placeholder",
			[]transport.Placement{with(step("a"), "${{ a.output.o }}")},
			"Error creating dependent string for input ${{ a.output.o }} check syntax string: " +
				"Invalid syntax string placeholder  a.output.o  for: ${{ a.output.o }}",
		},
		{
			"unclosed placeholder",
			[]transport.Placement{with(step("a"), "${{ a")},
			"Error creating dependent string for input ${{ a check syntax string: " +
				"Invalid syntax string placeholder  a for: ${{ a '${' not closed",
		},
		{
			"empty placeholder",
			[]transport.Placement{with(step("a"), "${{}}")},
			"Error creating dependent string for input ${{}} check syntax string: Invalid syntax string placeholder  for: ${{}}",
		},
		{
			"unknown store key",
			[]transport.Placement{with(step("a"), "${{ store.k }}")},
			"Input ${{ store.k }} depends on k but k is not a required key or a default value",
		},
		{"declared store keys", []transport.Placement{with(step("a"), "${{ store.required }} ${{ store.default }}")}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, statemanager.Options{})
			_, err := b.PutGraph(b.now, "ns", "g", transport.GraphSpec{Nodes: c.nodes, Store: transport.StoreConfig{
				RequiredKeys: []string{"required"}, DefaultValues: map[string]string{"default": "d"},
			}})
			if c.want == "" {
				if err != nil {
					t.Errorf("PutGraph: %v", err)
				}
				return
			}
			wantError(t, err, http.StatusBadRequest, "Error validating graph template: "+c.want)
		})
	}
}

func TestStructureNames(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	_, err := b.PutGraph(b.now, "ns", " ", transport.GraphSpec{Nodes: []transport.Placement{step("a")}})
	wantError(t, err, http.StatusBadRequest, "Error validating graph template: Name cannot be empty")
	_, err = b.PutGraph(b.now, "ns", "g", transport.GraphSpec{
		Nodes: []transport.Placement{step("a")}, Secrets: transport.Secrets{"": "v"},
	})
	wantError(t, err, http.StatusBadRequest, "Error validating graph template: Secrets cannot be empty")
}

// A chain of diamonds without joins walks every path by itself.
func TestStructureBoundsTheStatesOfARun(t *testing.T) {
	t.Parallel()
	chain := func(diamonds int, strategy transport.UniteStrategy) []transport.Placement {
		var nodes []transport.Placement
		for i := range diamonds {
			end := fmt.Sprintf("s%d", i+1)
			x, y := fmt.Sprintf("x%d", i), fmt.Sprintf("y%d", i)
			top := step(fmt.Sprintf("s%d", i), x, y)
			if i > 0 && strategy != "" {
				top = unite(top, fmt.Sprintf("s%d", i-1), strategy)
			}
			nodes = append(nodes, top, step(x, end), step(y, end))
		}
		last := step(fmt.Sprintf("s%d", diamonds))
		if strategy != "" {
			last = unite(last, fmt.Sprintf("s%d", diamonds-1), strategy)
		}
		return append(nodes, last)
	}
	b := newBed(t, statemanager.Options{})
	put := func(nodes []transport.Placement) error {
		_, err := b.PutGraph(b.now, "ns", "g", transport.GraphSpec{Nodes: nodes})
		return err
	}
	if err := put(chain(10, "")); err != nil {
		t.Errorf("ten diamonds: %v", err)
	}
	if err := put(chain(500, transport.AllSuccess)); err != nil {
		t.Errorf("five hundred diamonds with joins: %v", err)
	}
	if err := put(chain(500, "")); err == nil || !strings.Contains(err.Error(), "even without fan-outs") {
		t.Errorf("five hundred diamonds: %v", err)
	}
}

// A refused update leaves the graph as it was.
func TestRefusedUpdateChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t, statemanager.Options{})
	b.steps(step("a"))
	before := said(b.Graph("ns", "g"))
	_, err := b.PutGraph(b.now.Add(1e9), "ns", "g", transport.GraphSpec{Nodes: []transport.Placement{step("a", "b")}})
	wantError(t, err, http.StatusBadRequest, "Error validating graph template: Node identifier b does not exist in the graph")
	_, err = b.PutGraph(b.now.Add(1e9), "ns", "g", transport.GraphSpec{Nodes: []transport.Placement{step("")}})
	if err == nil {
		t.Error("an empty identifier is taken")
	}
	if after := said(b.Graph("ns", "g")); after != before {
		t.Errorf("the graph was\n%s\nand is\n%s", before, after)
	}
}
