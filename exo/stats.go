package exo

import (
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Stats is a snapshot of a runtime's counters and state.
type Stats struct {
	Registered bool `json:"registered"` // the nodes are registered
	Executing  int  `json:"executing"`  // states being executed
	Unreported int  `json:"unreported"` // outcomes that the state manager has not accepted yet

	Claims      uint64 `json:"claims"`       // claims with a response
	ClaimErrors uint64 `json:"claim_errors"` // claims without a successful response
	Claimed     uint64 `json:"claimed"`      // states claimed

	// States by outcome.
	Executed uint64 `json:"executed"`
	Errored  uint64 `json:"errored"`
	Pruned   uint64 `json:"pruned"`
	Requeued uint64 `json:"requeued"`
	Returned uint64 `json:"returned"`
	Lost     uint64 `json:"lost"`

	Reported     uint64 `json:"reported"`      // outcomes that the state manager accepted
	ReportErrors uint64 `json:"report_errors"` // outcomes that it refused permanently

	// Overdue is the number of nodes that ignore their timeout: they have not
	// returned although it has passed.
	Overdue int `json:"overdue"`

	// HookPanics counts panics in hooks of a [Trace], in a backoff and in a
	// transport. The runtime survives them.
	HookPanics uint64 `json:"hook_panics"`

	LastClaim      time.Time     `json:"last_claim"`       // when a claim last had a successful response
	LastClaimError string        `json:"last_claim_error"` // error of the last claim, or ""
	BusyTime       time.Duration `json:"busy_ns"`          // time spent in nodes, summed over all workers
}

// Stats returns a snapshot of the counters. It is safe for concurrent use.
func (r *Runtime) Stats() Stats {
	s := Stats{Executing: r.slots.busy(), Unreported: r.reporter.unreported()}
	select {
	case <-r.ready:
		s.Registered = true
	default:
	}
	r.counters.read(&s)
	return s
}

// counters count what a runtime does.
type counters struct {
	claims, claimErrors, states atomic.Uint64
	kinds                       [Lost + 1]atomic.Uint64
	reportedOK, reportedErrors  atomic.Uint64
	busy                        atomic.Int64
	overdue                     atomic.Int64
	lastClaim                   atomic.Int64 // Unix nanoseconds
	mu                          sync.Mutex
	lastError                   string
	lastRefusal                 time.Time
	unknownNodes                map[string]bool
	panics                      map[string]uint64 // by the code that panicked
}

func (c *counters) claimed(n int, err error) {
	if err != nil {
		c.claimErrors.Add(1)
		c.mu.Lock()
		c.lastError = err.Error()
		c.mu.Unlock()
		return
	}
	c.claims.Add(1)
	c.states.Add(uint64(n))
	c.lastClaim.Store(time.Now().UnixNano())
	c.mu.Lock()
	c.lastError = ""
	c.mu.Unlock()
}

// settled counts the outcome of a state, once for each claimed state.
func (c *counters) settled(k OutcomeKind) { c.kinds[k].Add(1) }

func (c *counters) reported(err error) {
	if err != nil {
		c.reportedErrors.Add(1)
	} else {
		c.reportedOK.Add(1)
	}
}

// refused logs, at most once a minute, that the state manager rejects the API
// key.
func (c *counters) refused(err error, log *zap.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.lastRefusal) >= time.Minute {
		c.lastRefusal = now
		log.Error("state manager rejects the API key", zap.Error(err))
	}
}

// unknown logs, once per node, that states of a node were claimed that this
// runtime does not serve.
func (c *counters) unknown(node string, log *zap.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.unknownNodes[node] {
		if c.unknownNodes == nil {
			c.unknownNodes = make(map[string]bool)
		}
		c.unknownNodes[node] = true
		log.Error("claimed a state of a node that is not served here; requeueing it", zap.String("node", node))
	}
}

// panicked counts a panic, and reports whether it is the first of its kind.
func (c *counters) panicked(what string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.panics == nil {
		c.panics = make(map[string]uint64)
	}
	c.panics[what]++
	return c.panics[what] == 1
}

func (c *counters) read(s *Stats) {
	s.Claims, s.ClaimErrors, s.Claimed = c.claims.Load(), c.claimErrors.Load(), c.states.Load()
	s.Executed, s.Errored = c.kinds[Executed].Load(), c.kinds[Errored].Load()
	s.Pruned, s.Requeued = c.kinds[Pruned].Load(), c.kinds[Requeued].Load()
	s.Returned, s.Lost = c.kinds[Returned].Load(), c.kinds[Lost].Load()
	s.Reported, s.ReportErrors = c.reportedOK.Load(), c.reportedErrors.Load()
	s.Overdue = int(c.overdue.Load())
	s.BusyTime = time.Duration(c.busy.Load())
	if t := c.lastClaim.Load(); t != 0 {
		s.LastClaim = time.Unix(0, t)
	}
	c.mu.Lock()
	s.LastClaimError = c.lastError
	for _, n := range c.panics {
		s.HookPanics += n
	}
	c.mu.Unlock()
}
