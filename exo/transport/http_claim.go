package transport

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	// maxClaim is the most states that one claim can take (protocol.md §14).
	maxClaim = 1000

	// holdBetweenStops is how long an answer is held at most while the caller
	// may want to end the wait: there is no safe way to end one under way.
	holdBetweenStops = 5 * time.Second
)

// Claim implements [Worker] (protocol.md §3). Where the state manager cannot
// hold its answer, Claim returns at once. While it holds one, a Stop is heeded
// within 5 seconds. States beyond req.Max are returned all the same, for they
// are claimed.
func (n *namespace) Claim(ctx context.Context, req ClaimRequest) ([]State, error) {
	if req.Max <= 0 || len(req.Nodes) == 0 {
		return nil, nil
	}
	wait := n.wait(ctx, req.Wait)
	if req.Stop == nil {
		return n.claim(ctx, req, wait)
	}
	for end := time.Now().Add(wait); ; wait = time.Until(end) {
		if stopped(req.Stop) {
			wait = 0
		}
		hold := min(wait, holdBetweenStops)
		sent := time.Now()
		states, err := n.claim(ctx, req, hold)
		held := time.Since(sent) >= hold-hold/4
		if len(states) > 0 || err != nil || hold < holdBetweenStops || !held {
			return states, err
		}
	}
}

func stopped(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// claim asks once, and has the answer held so long if that can be.
func (n *namespace) claim(ctx context.Context, req ClaimRequest, hold time.Duration) ([]State, error) {
	k := n.call("claim", http.MethodPost, "/states/enqueue")
	k.body = newPayload()
	k.body.set(n.appendClaim(k.body.bytes(), req, hold))
	var states []State
	err := n.send(ctx, k, func(answer []byte) (err error) {
		states, err = decodeClaim(answer, req.Nodes)
		return err
	})
	return states, err
}

func (n *namespace) appendClaim(b []byte, req ClaimRequest, hold time.Duration) []byte {
	b = append(b, `{"nodes":[`...)
	for i, node := range req.Nodes {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, node)
	}
	b = append(b, `],"batch_size":`...)
	b = strconv.AppendInt(b, int64(min(req.Max, maxClaim)), 10)
	if hold > 0 && n.has(ExtensionWait) {
		b = append(b, `,"wait_ms":`...)
		b = strconv.AppendInt(b, millis(hold), 10)
	}
	if req.Lease > 0 && n.has(ExtensionLease) {
		b = append(b, `,"lease_ms":`...)
		b = strconv.AppendInt(b, millis(req.Lease), 10)
	}
	return append(b, '}')
}

var errNoStates = errors.New(`no "states"`)

// decodeClaim reads the answer to a claim of nodes.
func decodeClaim(raw []byte, nodes []string) ([]State, error) {
	d := claimDecoder{cursor: cursor{text: raw}, nodes: nodes}
	if err := d.document(d.member); err != nil {
		return nil, err
	}
	if d.states == nil {
		return nil, errNoStates
	}
	return d.states, nil
}

// A claimDecoder reads the answer to a claim. A state with a member that is not
// what it should be keeps the others: it is claimed, and its inputs stay raw, so
// its node will refuse it. Without an ID nobody can do anything for it.
//
// States of a batch have much in common: texts that are those of a node asked
// for, or of the state before, are shared with it.
type claimDecoder struct {
	cursor
	nodes       []string
	states      []State
	state, last State
	stateMember func(name []byte) error
}

func (d *claimDecoder) member(name []byte) error {
	if string(name) != "states" || d.peek() != '[' {
		_, err := d.value()
		return err
	}
	d.states = []State{}
	d.stateMember = d.readState // once, since a method value is allocated
	return d.array(d.element)
}

func (d *claimDecoder) element() error {
	if d.peek() != '{' {
		_, err := d.value()
		return err
	}
	d.state = State{}
	start := d.pos
	if err := d.object(d.stateMember); err != nil {
		return err
	}
	if d.state.ID != "" {
		if cap(d.states) == 0 {
			d.states = make([]State, 0, 1+(len(d.text)-d.pos)/(d.pos-start))
		}
		d.states = append(d.states, d.state)
		d.last = d.state
	}
	return nil
}

func (d *claimDecoder) readState(name []byte) error {
	raw, err := d.value()
	if err != nil {
		return err
	}
	s := &d.state
	switch string(name) {
	case "state_id":
		s.ID = text(raw, "")
	case "node_name":
		s.Node = d.node(raw)
	case "identifier":
		s.Identifier = text(raw, d.last.Identifier)
	case "inputs":
		s.Inputs = slices.Clone(raw)
	case "created_at":
		s.CreatedAt = parseTime(text(raw, ""))
	case "graph_name":
		s.Graph = text(raw, d.last.Graph)
	case "run_id":
		s.RunID = text(raw, d.last.RunID)
	case "attempt":
		s.Attempt = int(integer(raw))
	case "lease_ms":
		s.Lease = fromMillis(integer(raw))
	case "lease_token":
		s.Token = text(raw, "")
	}
	return nil
}

func (d *claimDecoder) node(raw []byte) string {
	for _, node := range d.nodes {
		if len(raw) == len(node)+2 && string(raw[1:len(raw)-1]) == node {
			return text(raw, node)
		}
	}
	return text(raw, "")
}
