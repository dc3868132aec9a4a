// Package draw draws graphs and runs in Mermaid's flowchart language and in that
// of Graphviz.
package draw

import (
	"fmt"
	"html"
	"strings"

	"github.com/exospherehost/exo-go/exo/transport"
)

// A Drawing is a graph on its way to a picture.
type Drawing struct {
	name  string
	boxes []box
	lines []line
}

type box struct {
	label []string // lines of text
	join  bool
	fill  string // an #rrggbb, or ""
}

// line goes from one box to another, by their positions in the drawing.
type line struct {
	from, to int
	dashed   bool
	label    string
}

// Mermaid draws in Mermaid's flowchart language.
func (d *Drawing) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	for i, x := range d.boxes {
		open, closed := "[", "]"
		if x.join {
			open, closed = "{{", "}}"
		}
		fmt.Fprintf(&b, "    n%d%s\"%s\"%s\n", i, open, mermaidText(strings.Join(x.label, "\n")), closed)
	}
	for _, l := range d.lines {
		arrow := "-->"
		if l.dashed {
			arrow = "-.->"
		}
		if l.label != "" {
			arrow += `|"` + mermaidText(l.label) + `"|`
		}
		fmt.Fprintf(&b, "    n%d %s n%d\n", l.from, arrow, l.to)
	}
	for i, x := range d.boxes {
		if x.fill != "" {
			fmt.Fprintf(&b, "    style n%d fill:%s,color:#000\n", i, x.fill)
		}
	}
	return b.String()
}

// mermaidText escapes what would end a quoted label or be taken for markup.
func mermaidText(s string) string {
	s = strings.ReplaceAll(html.EscapeString(s), "&#34;", "#quot;")
	s = strings.ReplaceAll(s, "&#39;", "'")
	s = strings.NewReplacer("&lt;", "#lt;", "&gt;", "#gt;", "&amp;", "#amp;").Replace(s)
	return strings.ReplaceAll(s, "\n", "<br/>")
}

// DOT draws in Graphviz' language.
func (d *Drawing) DOT() string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %s {\n", dotText(d.name))
	b.WriteString("    node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"sans-serif\"];\n    edge [fontname=\"sans-serif\"];\n")
	for i, x := range d.boxes {
		var more string
		if x.join {
			more = ", shape=hexagon, style=filled"
		}
		if x.fill != "" {
			more += ", fillcolor=" + dotText(x.fill)
		}
		fmt.Fprintf(&b, "    n%d [label=%s%s];\n", i, dotText(strings.Join(x.label, "\n")), more)
	}
	for _, l := range d.lines {
		var attributes []string
		if l.dashed {
			attributes = append(attributes, "style=dashed", "constraint=false")
		}
		if l.label != "" {
			attributes = append(attributes, "label="+dotText(l.label))
		}
		var more string
		if len(attributes) > 0 {
			more = " [" + strings.Join(attributes, ", ") + "]"
		}
		fmt.Fprintf(&b, "    n%d -> n%d%s;\n", l.from, l.to, more)
	}
	b.WriteString("}\n")
	return b.String()
}

func dotText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// Spec draws placements: a box each, an arrow for what follows what, and a
// dashed one from a join's anchor to the join.
func Spec(name, namespace string, spec transport.GraphSpec) *Drawing {
	d := &Drawing{name: name}
	at := make(map[string]int, len(spec.Nodes))
	for i, p := range spec.Nodes {
		at[p.Identifier] = i
		node := p.Node
		if p.Namespace != namespace && p.Namespace != "" {
			node = p.Namespace + "/" + node
		}
		d.boxes = append(d.boxes, box{label: []string{p.Identifier, node}, join: p.Unites != nil})
	}
	for i, p := range spec.Nodes {
		for _, next := range p.Next {
			if to, ok := at[next]; ok {
				d.lines = append(d.lines, line{from: i, to: to})
			}
		}
		if p.Unites != nil {
			if anchor, ok := at[p.Unites.Identifier]; ok {
				d.lines = append(d.lines, line{from: anchor, to: i, dashed: true, label: "unites " + string(p.Unites.Strategy)})
			}
		}
	}
	return d
}

// statusFill colours the states of a run.
func statusFill(s transport.Status) string {
	switch s {
	case transport.StatusCreated:
		return "#eeeeee"
	case transport.StatusQueued, transport.StatusExecuted:
		return "#bbdefb"
	case transport.StatusSuccess:
		return "#c8e6c9"
	case transport.StatusErrored, transport.StatusNextCreatedError:
		return "#ffcdd2"
	case transport.StatusRetryCreated:
		return "#ffe0b2"
	case transport.StatusPruned:
		return "#d7ccc8"
	case transport.StatusCancelled:
		return "#cfd8dc"
	}
	return ""
}

// Run draws the states of a run, coloured by status.
func Run(g *transport.RunGraph) *Drawing {
	d := &Drawing{name: g.Graph}
	at := make(map[string]int, len(g.States))
	for i, s := range g.States {
		at[s.ID] = i
		d.boxes = append(d.boxes, box{label: []string{s.Identifier, string(s.Status)}, fill: statusFill(s.Status)})
	}
	for _, e := range g.Edges {
		from, ok := at[e.Source]
		to, known := at[e.Target]
		if ok && known {
			d.lines = append(d.lines, line{from: from, to: to})
		}
	}
	return d
}
