package transport_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/exospherehost/exo-go/exo/transport"
)

func TestUnimplementedNamesTheMethod(t *testing.T) {
	t.Parallel()
	var u transport.Unimplemented
	ctx := t.Context()
	calls := map[string]error{
		"Register": u.Register(ctx, "rt", nil),
		"Claim":    errOf(u.Claim(ctx, transport.ClaimRequest{})),
		"Secrets":  errOf(u.Secrets(ctx, "s")),
		"PutGraph": errOf(u.PutGraph(ctx, "g", transport.GraphSpec{})),
		"Graph":    errOf(u.Graph(ctx, "g")),
		"Trigger":  errOf(u.Trigger(ctx, "g", transport.TriggerSpec{})),
		"Runs":     errOf(u.Runs(ctx, 1, 1)),
		"RunGraph": errOf(u.RunGraph(ctx, "r")),
		"State":    errOf(u.State(ctx, "g", "r", "s")),
		"Retry":    errOf(u.Retry(ctx, "s", "f")),
		"Nodes":    errOf(u.Nodes(ctx)),
		"Graphs":   errOf(u.Graphs(ctx)),
	}
	errs := u.Report(ctx, make([]transport.Report, 2))
	if len(errs) != 2 || u.Report(ctx, nil) != nil {
		t.Fatalf("%d errors for 2 reports", len(errs))
	}
	calls["Report"] = errs[1]
	for method, err := range calls {
		var e *transport.Error
		if !errors.Is(err, transport.ErrUnsupported) || !strings.Contains(err.Error(), method) || !errors.As(err, &e) || e.Op == "" || e.Temporary() {
			t.Errorf("%s: %v", method, err)
		}
	}
	if _, found := any(u).(transport.Heartbeater); found {
		t.Error("has an ability")
	}
}

func TestErrorsMatchByStatusAlone(t *testing.T) {
	t.Parallel()
	e := &transport.Error{Op: "claim", Status: 404, Message: "State not found"}
	if !errors.Is(e, transport.ErrNotFound) || errors.Is(e, transport.ErrConflict) {
		t.Error("does not match by its status")
	}
	other := &transport.Error{Op: "graph", Status: 404}
	if errors.Is(e, other) {
		t.Error("matches what is no sentinel")
	}
	if got := (&transport.Error{Message: "m"}).Error(); got != "state manager: m" {
		t.Error(got)
	}
	cause := errors.New("cause")
	if e := (&transport.Error{Err: cause}); !errors.Is(e, cause) || !e.Temporary() {
		t.Error("the cause is not seen")
	}
}
