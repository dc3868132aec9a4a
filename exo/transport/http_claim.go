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

// maxClaim is the largest number of states per claim (protocol.md §14).
const maxClaim = 1000

// Claim implements [Worker] (protocol.md §3). If the state manager cannot wait,
// Claim returns at once. If it can, closing req.Stop makes Claim ask it to
// respond now. States beyond req.Max are returned too, because they are
// claimed.
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

// firstWake is the initial pause between attempts to wake a claim.
const firstWake = 20 * time.Millisecond

// wakeOn ends the wait of a claim when stop is closed. ctx ends when the claim
// has a response.
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

// wake reports whether a waiting claim was woken, or never will be.
func (n *namespace) wake(ctx context.Context, waitID string) bool {
	k := n.call("claim", http.MethodPost, "/states/wake").withBody(struct {
		WaitID string `json:"wait_id"`
	}{waitID})
	answer, err := fetch[wakeAnswer](ctx, n.conn, k)
	var e *Error
	return answer.Woken || errors.As(err, &e) && !e.Temporary()
}

// claim makes one claim and asks the state manager to hold its response for up
// to hold, if it can.
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

// decodeClaim reads the response to a claim of nodes.
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

// A claimDecoder reads the response to a claim. A state with a malformed member
// does not affect the others: it is claimed, and its inputs stay raw, so that
// its node rejects them. A state without an ID is dropped, since no report
// could name it.
//
// The states of a batch have much in common. Texts equal to the name of a
// requested node, or to those of the previous state, share memory with it.
type claimDecoder struct {
	scanner
	size        int // of the response
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
	d.stateMember = d.readState // bound once, because a method value is allocated
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
