package transporttest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/exospherehost/exo-go/exo/transport"
)

// versionMutants are faults in what becomes of a valid graph when an invalid one
// is written.
func versionMutants() []mutant {
	return []mutant{
		{name: "an invalid graph takes a valid one down", mutate: func(t whole) whole {
			return overTrigger{t, func(ctx context.Context, graph string, s transport.TriggerSpec) (string, error) {
				if g, err := t.Graph(ctx, graph); err == nil && g.Status == transport.Invalid {
					return "", badRequest("Graph template is not valid: " + strings.Join(g.Errors, "; "))
				}
				return t.Trigger(ctx, graph, s)
			}}
		}, caught: []string{"§13 versions: an invalid graph does not take the place of a valid one"}},
		{name: "an invalid graph takes the triggers of a valid one", mutate: func(t whole) whole {
			return overPutGraph{t, func(ctx context.Context, name string, g transport.GraphSpec) (transport.GraphInfo, error) {
				status, err := t.PutGraph(ctx, name, g)
				if err == nil && status.Status == transport.Invalid {
					_, err = t.CancelTriggers(ctx, name)
				}
				return status, err
			}}
		}, caught: []string{"§13 versions: cron is that of the version that serves"}},
		{name: "the last version is said to serve", mutate: func(t whole) whole {
			return servingOther{t}
		}, caught: []string{
			"§13 versions: an invalid graph does not take the place of a valid one",
			"§13 versions: nodes that are registered decide which serves",
		}},
		{name: "a refused trigger does not say why", mutate: func(t whole) whole {
			return overTrigger{t, func(ctx context.Context, graph string, s transport.TriggerSpec) (string, error) {
				id, err := t.Trigger(ctx, graph, s)
				if e := new(transport.Error); errors.As(err, &e) && e.Status == http.StatusBadRequest {
					return "", badRequest("Graph template is not valid")
				}
				return id, err
			}}
		}, caught: []string{
			"§13 versions: a trigger that is refused says why",
			"§13 versions: nodes that are registered decide which serves",
		}},
	}
}

// servingOther says that the version which was written last serves.
type servingOther struct{ whole }

func (o servingOther) Graph(ctx context.Context, name string) (transport.GraphInfo, error) {
	g, err := o.whole.Graph(ctx, name)
	g.ServingVersion = g.Version
	return g, err
}
