package transporttest_test

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/exospherehost/exo-go/exo/transport"
)

// whole is a transport with all abilities.
type whole interface {
	transport.Transport
	transport.Heartbeater
	transport.StoreBackend
	transport.Canceler
	transport.RunReader
	transport.TriggerCanceler
	transport.Extender
}

type overReport struct {
	whole
	report func(ctx context.Context, reports []transport.Report) []error
}

func (o overReport) Report(ctx context.Context, reports []transport.Report) []error {
	return o.report(ctx, reports)
}

type overClaim struct {
	whole
	claim func(ctx context.Context, req transport.ClaimRequest) ([]transport.Claimed, error)
}

func (o overClaim) Claim(ctx context.Context, req transport.ClaimRequest) ([]transport.Claimed, error) {
	return o.claim(ctx, req)
}

type overTrigger struct {
	whole
	trigger func(ctx context.Context, graph string, t transport.TriggerSpec) (string, error)
}

func (o overTrigger) Trigger(ctx context.Context, graph string, t transport.TriggerSpec) (string, error) {
	return o.trigger(ctx, graph, t)
}

type overGraph struct{ whole }

func (o overGraph) Graph(ctx context.Context, name string) (transport.GraphInfo, error) {
	g, err := o.whole.Graph(ctx, name)
	g.Retry, g.Store, g.Triggers = transport.DefaultRetryPolicy(), transport.StoreConfig{}, nil
	return g, err
}

type overPutGraph struct {
	whole
	put func(ctx context.Context, name string, g transport.GraphSpec) (transport.GraphInfo, error)
}

func (o overPutGraph) PutGraph(ctx context.Context, name string, g transport.GraphSpec) (transport.GraphInfo, error) {
	return o.put(ctx, name, g)
}

type overSecrets struct {
	whole
	secrets func(ctx context.Context, id string) (transport.Secrets, error)
}

func (o overSecrets) Secrets(ctx context.Context, id string) (transport.Secrets, error) {
	return o.secrets(ctx, id)
}

type overDetail struct{ whole }

func (o overDetail) State(ctx context.Context, graph, runID, stateID string) (transport.State, error) {
	d, err := o.whole.State(ctx, graph, runID, stateID)
	d.Data = nil
	return d, err
}

type overRetry struct {
	whole
	retry func(ctx context.Context, id, fanoutID string) (string, error)
}

func (o overRetry) Retry(ctx context.Context, id, fanoutID string) (string, error) {
	return o.retry(ctx, id, fanoutID)
}

// eachReport changes how one report is taken.
func eachReport(t whole, take func(ctx context.Context, r transport.Report, next func(transport.Report) error) error) whole {
	return overReport{t, func(ctx context.Context, reports []transport.Report) []error {
		errs, bad := make([]error, len(reports)), false
		for i, r := range reports {
			errs[i] = take(ctx, r, func(r transport.Report) error { return errors.Join(t.Report(ctx, []transport.Report{r})...) })
			bad = bad || errs[i] != nil
		}
		if !bad {
			return nil
		}
		return errs
	}}
}

// eachOutcome changes what is said to have become of a state. A report names no
// more of the state than its ID; the rest is known from the claim.
func eachOutcome(t whole, change func(ctx context.Context, s transport.Claimed, o transport.Outcome) transport.Outcome) whole {
	var claimed sync.Map // states by ID
	claims := overClaim{t, func(ctx context.Context, req transport.ClaimRequest) ([]transport.Claimed, error) {
		states, err := t.Claim(ctx, req)
		for _, s := range states {
			claimed.Store(s.ID, s)
		}
		return states, err
	}}
	return eachReport(claims, func(ctx context.Context, r transport.Report, next func(transport.Report) error) error {
		if s, ok := claimed.Load(r.StateID); ok {
			r.Outcome = change(ctx, s.(transport.Claimed), r.Outcome)
		}
		return next(r)
	})
}

func badRequest(message string) error {
	return &transport.Error{Op: "test", Status: http.StatusBadRequest, Message: message}
}
