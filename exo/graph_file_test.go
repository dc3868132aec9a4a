package exo_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/graphfile"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/google/go-cmp/cmp"
)

func TestGraphFileRoundTrip(t *testing.T) {
	t.Parallel()
	g, _, _ := mapReduce()
	file, err := g.JSON()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "map-reduce.json", string(file))
	if bytes.Contains(file, []byte("0123456789")) {
		t.Error("the file holds a secret")
	}
	name, spec, err := graphfile.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	want := g.Spec("")
	want.Secrets = transport.Secrets{"api_key": ""} // to be given later
	if diff := cmp.Diff(want, spec); diff != "" || name != "map-reduce" {
		t.Errorf("%q (-want +got):\n%s", name, diff)
	}
	if diff := cmp.Diff(g.Mermaid(), graphfile.Mermaid(name, "", spec)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(g.DOT(), graphfile.DOT(name, "", spec)); diff != "" {
		t.Error(diff)
	}
}

// A file without namespaces runs in that of the client.
func TestGraphFileRuns(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bubble) {
		g, _, report := mapReduce()
		_, stop := b.serve(g.Nodes())
		file, err := g.JSON()
		if err != nil {
			t.Fatal(err)
		}
		name, spec, err := graphfile.Parse(file)
		if err != nil {
			t.Fatal(err)
		}
		spec.Secrets["api_key"] = "abc"
		m := b.manager()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		info, err := m.UpsertSpec(ctx, name, spec)
		if err != nil {
			t.Fatal(err)
		}
		if info.Nodes[0].Namespace != namespace || spec.Nodes[0].Namespace != "" {
			t.Errorf("namespace %q, and %q in the spec that was given", info.Nodes[0].Namespace, spec.Nodes[0].Namespace)
		}
		run, err := m.Trigger(ctx, name, exo.TriggerOptions{Store: map[string]string{"title": "T"}})
		if err != nil {
			t.Fatal(err)
		}
		result, err := run.Wait(ctx)
		if err != nil {
			t.Fatal(err)
		}
		got, err := exo.Outputs(result, report)
		if err != nil || result.Err() != nil {
			t.Fatal(err, result.Err())
		}
		if diff := cmp.Diff([]Text{{"total: 9 with a key of 3"}}, got); diff != "" {
			t.Error(diff)
		}
		_ = stop()
	})
}

// Nodes of other runtimes keep their namespace, and nothing is escaped that
// people would have to read.
func TestGraphFileOfRemoteNodes(t *testing.T) {
	t.Parallel()
	g := exo.NewGraph("far")
	here := exo.Add(g, "here", echo, Text{"<a & b>"})
	exo.Add(g, "there", exo.Remote[Text, Text]("elsewhere", "Far"), here.Out, exo.After(here))
	file, err := g.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(file), `"text": "<a & b>"`) {
		t.Error(string(file))
	}
	_, spec, err := graphfile.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := spec.Nodes[0].Namespace, spec.Nodes[1].Namespace; a != "" || b != "elsewhere" {
		t.Errorf("namespaces %q and %q", a, b)
	}
}

func TestInvalidGraphHasNoFile(t *testing.T) {
	t.Parallel()
	if _, err := exo.NewGraph("none").JSON(); err == nil {
		t.Error("a graph without steps is written")
	}
}
