package exo_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/node"
	"go.uber.org/zap"
)

// A demo is what Example sets up: a state manager and a runtime in this
// process, with a client. What goes wrong panics.
type demo struct {
	*exo.StateManager

	sm    *local.Server
	rt    *exo.Runtime
	ended chan error
}

func newDemo(nodes []node.Any, opts ...exo.RuntimeOption) *demo {
	return newDemoOn(local.New(), nodes, opts...)
}

func newDemoOn(sm *local.Server, nodes []node.Any, opts ...exo.RuntimeOption) *demo {
	d := &demo{sm: sm, ended: make(chan error, 1)}
	where, quiet := exo.WithStateManager(d.sm), exo.WithLogger(zap.NewNop())
	var err error
	if d.rt, err = exo.NewRuntime("demo", "worker-1", nodes, append([]exo.RuntimeOption{where, quiet}, opts...)...); err != nil {
		panic(err)
	}
	if d.StateManager, err = exo.NewStateManager("demo", where, quiet); err != nil {
		panic(err)
	}
	go func() { d.ended <- d.rt.Run(context.Background()) }()
	<-d.rt.Ready()
	return d
}

// end drains the runtime.
func (d *demo) end() {
	if err := errors.Join(d.rt.Shutdown(context.Background()), <-d.ended, d.sm.Close()); err != nil {
		panic(err)
	}
}

// start writes and triggers a graph.
func (d *demo) start(g *exo.Graph, opts exo.TriggerOptions) *exo.Run {
	ctx := context.Background()
	if _, err := d.UpsertGraph(ctx, g); err != nil {
		panic(err)
	}
	run, err := d.Trigger(ctx, g.Name(), opts)
	if err != nil {
		panic(err)
	}
	return run
}

// drive runs a graph to its end, in a demo of its own.
func drive(g *exo.Graph, opts exo.TriggerOptions) *exo.RunResult {
	d := newDemo(g.Nodes())
	defer d.end()
	result, err := d.start(g, opts).Wait(context.Background())
	if err != nil {
		panic(err)
	}
	return result
}

// tell prints what became of the states of a run.
func tell(r *exo.RunResult) {
	fmt.Println("run:", r.Status)
	for _, s := range r.States {
		became := string(s.Outputs)
		if s.Error != "" {
			became = s.Error
		}
		fmt.Println(s.Identifier, s.Status, became)
	}
}
