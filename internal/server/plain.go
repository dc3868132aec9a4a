package server

import (
	"slices"

	"github.com/exospherehost/exo-go/exo/transport"
)

// A server without extensions has never heard of what protocol.md §13 adds. This
// is all there is to it: what it overlooks in requests, and what it does not say.
// The calls that it lacks, such as those about the store, have no way to it: see
// [View.Namespace].

// Extended reports whether the server has any extensions.
func (s *Server) Extended() bool { return len(s.extensions) > 0 }

// Extensions are those that the server has.
func (s *Server) Extensions() []transport.Extension { return slices.Clone(s.extensions) }

// heardClaim is a claim as the server understands it: it does not wait, and
// grants no lease on request.
func (s *Server) heardClaim(req transport.ClaimRequest) transport.ClaimRequest {
	if !s.Extended() {
		req.Wait, req.Lease = 0, 0
	}
	return req
}

// Tell takes away from states what the server does not say of them.
func (s *Server) Tell(states []transport.Claimed) {
	if s.Extended() {
		return
	}
	for i := range states {
		c := &states[i]
		c.Graph, c.RunID, c.Attempt, c.Lease, c.Token = "", "", 0, 0, ""
	}
}

// heardReport is a report as the server understands it: it proves no lease, and
// no failure is permanent.
func (s *Server) heardReport(r transport.Report) transport.Report {
	if s.Extended() {
		return r
	}
	r.Token = ""
	if o, ok := r.Outcome.(transport.Errored); ok {
		o.Permanent = false
		r.Outcome = o
	}
	return r
}

// told is a state in full, as the server tells it.
func (s *Server) told(d transport.State) transport.State {
	if !s.Extended() {
		d.Attempt, d.Data = 0, nil
	}
	return d
}
