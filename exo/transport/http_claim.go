package transport

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/exospherehost/exo-go/internal/jsontext"
)

// maxClaim is the most states that one claim can take (protocol.md §14).
const maxClaim = 1000

// Claim implements [Worker] (protocol.md §3). Where the state manager cannot
// hold its answer, Claim returns at once; where it can, a Stop makes Claim ask
// it to answer now. States beyond req.Max are returned all the same, for they
// are claimed.
func (n *namespace) Claim(ctx context.Context, req ClaimRequest) ([]Claimed, error) {
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
func (n *namespace) claim(ctx context.Context, req ClaimRequest, hold time.Duration, waitID string) ([]Claimed, error) {
	k := n.call("claim", http.MethodPost, "/states/enqueue")
	k.body = newPayload()
	k.body.set(n.appendClaim(k.body.bytes(), req, hold, waitID))
	var states []Claimed
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
		b = jsontext.AppendString(b, node)
	}
	b = append(b, `],"batch_size":`...)
	b = strconv.AppendInt(b, int64(min(req.Max, maxClaim)), 10)
	if hold > 0 && n.has(ExtensionWait) {
		b = append(b, `,"wait_ms":`...)
		b = strconv.AppendInt(b, millis(hold), 10)
	}
	if waitID != "" {
		b = append(b, `,"wait_id":`...)
		b = jsontext.AppendString(b, waitID)
	}
	if req.Lease > 0 && n.has(ExtensionLease) {
		b = append(b, `,"lease_ms":`...)
		b = strconv.AppendInt(b, millis(req.Lease), 10)
	}
	return append(b, '}')
}

var errNoStates = errors.New(`no "states"`)

// decodeClaim reads the answer to a claim of nodes.
func decodeClaim(raw []byte, nodes []string) ([]Claimed, error) {
	d := claimDecoder{scanner: scan(raw), size: len(raw), nodes: nodes}
	if err := d.Document(d.member); err != nil {
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
	scanner
	size        int // of the answer
	nodes       []string
	states      []Claimed
	state, last Claimed
	stateMember func(name jsontext.Span) error
}

func (d *claimDecoder) member(name jsontext.Span) error {
	if string(d.Part(name)) != "states" || d.Peek() != '[' {
		return d.Skip()
	}
	d.states = []Claimed{}
	d.stateMember = d.readState // once, since a method value is allocated
	return d.Array(d.element)
}

func (d *claimDecoder) element() error {
	if d.Peek() != '{' {
		return d.Skip()
	}
	d.state = Claimed{}
	start := d.Pos()
	if err := d.Object(d.stateMember); err != nil {
		return err
	}
	if d.state.ID != "" {
		if cap(d.states) == 0 {
			d.states = make([]Claimed, 0, 1+(d.size-d.Pos())/(d.Pos()-start))
		}
		d.states = append(d.states, d.state)
		d.last = d.state
	}
	return nil
}

func (d *claimDecoder) readState(name jsontext.Span) (err error) {
	s := &d.state
	var n int64
	switch string(d.Part(name)) {
	case "state_id":
		s.ID, err = d.text()
	case "node_name":
		s.Node, err = d.text(d.nodes...)
	case "identifier":
		s.Identifier, err = d.text(d.last.Identifier)
	case "inputs":
		var raw []byte
		raw, err = d.Raw()
		s.Inputs = slices.Clone(raw)
	case "created_at":
		var at string
		at, err = d.text()
		s.CreatedAt = parseTime(at)
	case "graph_name":
		s.Graph, err = d.text(d.last.Graph)
	case "run_id":
		s.RunID, err = d.text(d.last.RunID)
	case "attempt":
		n, err = d.integer()
		s.Attempt = int(n)
	case "lease_ms":
		n, err = d.integer()
		s.Lease = fromMillis(n)
	case "lease_token":
		s.Token, err = d.text()
	default:
		err = d.Skip()
	}
	return err
}
