package server

import (
	"slices"

	"github.com/exospherehost/exo-go/exo/transport"
)

// A server without extensions knows nothing of protocol.md §13. This file holds
// everything that follows from that: what the server ignores in requests and
// leaves out of responses. [View.Namespace] leaves out the calls that it lacks,
// such as those of the store.

// Extended reports whether the server has any extensions.
func (s *Server) Extended() bool { return len(s.extensions) > 0 }

// Extensions returns the extensions that the server has.
func (s *Server) Extensions() []transport.Extension { return slices.Clone(s.extensions) }

// heardClaim returns the claim as the server understands it. Without extensions
// a claim does not wait and asks for no lease.
func (s *Server) heardClaim(req transport.ClaimRequest) transport.ClaimRequest {
	if !s.Extended() {
		req.Wait, req.Lease = 0, 0
	}
	return req
}

// Tell clears the fields of states that the server does not tell.
func (s *Server) Tell(states []transport.Claimed) {
	if s.Extended() {
		return
	}
	for i := range states {
		c := &states[i]
		c.Graph, c.RunID, c.Attempt, c.Lease, c.Token = "", "", 0, 0, ""
	}
}

// heardReport returns the report as the server understands it. Without
// extensions a report has no lease token, and no failure is permanent.
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

// told returns the state with only the fields that the server tells.
func (s *Server) told(d transport.State) transport.State {
	if !s.Extended() {
		d.Attempt, d.Data = 0, nil
	}
	return d
}
