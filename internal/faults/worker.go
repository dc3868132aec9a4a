package faults

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// none is the result of calls that return only an error.
type none = struct{}

func (n *namespace) Register(ctx context.Context, runtime string, nodes []transport.NodeSpec) error {
	_, err := do(ctx, n.injector, Register, func(ctx context.Context) (none, error) {
		return none{}, n.inner.Register(ctx, runtime, nodes)
	})
	return err
}

func (n *namespace) Claim(ctx context.Context, req transport.ClaimRequest) ([]transport.Claimed, error) {
	if _, ok := n.inner.(transport.Heartbeater); !ok {
		req.Lease = 0
	}
	return do(ctx, n.injector, Claim, func(ctx context.Context) ([]transport.Claimed, error) { return n.inner.Claim(ctx, req) })
}

// Report injects faults into the call as a whole: each report gets the same
// error.
func (n *namespace) Report(ctx context.Context, reports []transport.Report) []error {
	f, over, cut := n.begin(Report)
	defer n.end(Report)
	asked := len(reports)
	all := func(err error) []error { return slices.Repeat([]error{err}, asked) }
	switch {
	case !before(ctx, f, over, cut):
		return all(unanswered(ctx, Report))
	case f.Kind == Refuse:
		return all(refused(Report, f))
	case f.Kind == DropPart && len(reports) > 1:
		reports = reports[:len(reports)/2]
	}
	calling, cancel := until(ctx, cut)
	defer cancel()
	if f.Kind == Duplicate {
		_ = n.inner.Report(calling, reports)
	}
	errs := n.inner.Report(calling, reports)
	if isClosed(cut) || !pause(ctx, f.Late, nil, cut) && f.Late > 0 {
		return all(unanswered(ctx, Report))
	}
	if lost := spoiled(ctx, Report, f.Kind); lost != nil {
		return all(lost)
	}
	return errs
}

// ReportBatch returns that of the wrapped transport, or many if it has none.
func (n *namespace) ReportBatch() int {
	if b, ok := n.inner.(transport.BatchReporter); ok {
		return b.ReportBatch()
	}
	return math.MaxInt
}

func (n *namespace) Secrets(ctx context.Context, stateID string) (transport.Secrets, error) {
	return do(ctx, n.injector, Secrets, func(ctx context.Context) (transport.Secrets, error) { return n.inner.Secrets(ctx, stateID) })
}

func (n *namespace) Heartbeat(ctx context.Context, leases map[string]string, lease time.Duration) ([]string, error) {
	beater, ok := n.inner.(transport.Heartbeater)
	if !ok {
		return nil, unsupported(Heartbeat)
	}
	return do(ctx, n.injector, Heartbeat, func(ctx context.Context) ([]string, error) { return beater.Heartbeat(ctx, leases, lease) })
}
