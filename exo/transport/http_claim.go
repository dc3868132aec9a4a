package transport

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// maxClaim is the most states that one claim can take (protocol.md §14).
const maxClaim = 1000

// Claim implements [Worker] (protocol.md §3). Where the state manager cannot
// hold its answer, Claim returns at once; where it can, a Stop makes Claim ask
// it to answer now. States beyond req.Max are returned all the same, for they
// are claimed.
func (n *namespace) Claim(ctx context.Context, req ClaimRequest) ([]State, error) {
	if req.Max <= 0 || len(req.Nodes) == 0 {
		return nil, nil
	}
	hold := n.wait(ctx, req.Wait)
	if hold == 0 || !n.has(ExtensionWait) || req.Stop == nil {
		return n.claim(ctx, req, hold, "")
	}
	select {
	case <-req.Stop:
		return n.claim(ctx, req, 0, "")
	default:
	}
	waitID := newRequestID()
	waking, answered := context.WithCancel(ctx)
	var waker sync.WaitGroup
	waker.Go(func() { n.wakeOn(waking, req.Stop, waitID) })
	states, err := n.claim(ctx, req, hold, waitID)
	answered()
	waker.Wait()
	return states, err
}

// firstWake is the time between attempts to wake a claim, at first.
const firstWake = 20 * time.Millisecond

// wakeOn ends the wait of a claim when stop is closed. ctx ends when the claim
// has been answered.
func (n *namespace) wakeOn(ctx context.Context, stop <-chan struct{}, waitID string) {
	select {
	case <-stop:
	case <-ctx.Done():
		return
	}
	for pause := firstWake; !n.wake(ctx, waitID); pause *= 2 { // until the claim has arrived
		again := time.NewTimer(pause)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return
		}
	}
}

type wakeAnswer struct {
	Woken bool `json:"woken"`
}

// wake reports whether a claim that waits was woken, or never will be.
func (n *namespace) wake(ctx context.Context, waitID string) bool {
	k := n.call("claim", http.MethodPost, "/states/wake").withBody(struct {
		WaitID string `json:"wait_id"`
	}{waitID})
	answer, err := fetch[wakeAnswer](ctx, n.conn, k)
	var e *Error
	return answer.Woken || errors.As(err, &e) && !e.Temporary()
}

// claim asks once, and has the answer held so long if that can be.
func (n *namespace) claim(ctx context.Context, req ClaimRequest, hold time.Duration, waitID string) ([]State, error) {
	k := n.call("claim", http.MethodPost, "/states/enqueue")
	k.body = newPayload()
	k.body.set(n.appendClaim(k.body.bytes(), req, hold, waitID))
	var states []State
	err := n.send(ctx, k, func(answer []byte) (err error) {
		states, err = decodeClaim(answer, req.Nodes)
		return err
	})
	return states, err
}

func (n *namespace) appendClaim(b []byte, req ClaimRequest, hold time.Duration, waitID string) []byte {
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
	if waitID != "" {
		b = append(b, `,"wait_id":`...)
		b = appendString(b, waitID)
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
