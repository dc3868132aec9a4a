package exo

import (
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Stats is what a runtime has done so far, and what it is doing.
type Stats struct {
	Registered bool `json:"registered"` // the nodes are registered
	Executing  int  `json:"executing"`  // states under execution
	Unreported int  `json:"unreported"` // outcomes that the state manager has not taken yet

	Claims      uint64 `json:"claims"`       // claims that were answered
	ClaimErrors uint64 `json:"claim_errors"` // claims that were not
	Claimed     uint64 `json:"claimed"`      // states claimed

	// States by what became of them.
	Executed uint64 `json:"executed"`
	Errored  uint64 `json:"errored"`
	Pruned   uint64 `json:"pruned"`
	Requeued uint64 `json:"requeued"`
	Returned uint64 `json:"returned"`
	Lost     uint64 `json:"lost"`

	Reported     uint64 `json:"reported"`      // outcomes that the state manager took
	ReportErrors uint64 `json:"report_errors"` // outcomes that it refused for good

	// Overdue is the number of nodes that ignore their time-out: it has passed,
	// and they have not returned.
	Overdue int `json:"overdue"`

	// HookPanics is how often the hooks of a [Trace], a backoff or a transport
	// panicked, which the runtime survives.
	HookPanics uint64 `json:"hook_panics"`

	LastClaim      time.Time     `json:"last_claim"`       // when a claim was last answered
	LastClaimError string        `json:"last_claim_error"` // why the last claim was not answered, "" if it was
	BusyTime       time.Duration `json:"busy_ns"`          // time spent in nodes, of all workers together
}

// Stats reads the counters. It may be called at any time.
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
	lastClaim                   atomic.Int64 // unix nanoseconds
	mu                          sync.Mutex
	lastError                   string
	lastRefusal                 time.Time
	unknownNodes                map[string]bool
	panics                      map[string]uint64 // by what panicked
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

// settled counts the outcome of a state, once for each that was claimed.
func (c *counters) settled(k OutcomeKind) { c.kinds[k].Add(1) }

func (c *counters) reported(err error) {
	if err != nil {
		c.reportedErrors.Add(1)
	} else {
		c.reportedOK.Add(1)
	}
}

// refused logs, at most once a minute, that the state manager refuses the key.
func (c *counters) refused(err error, log *zap.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.lastRefusal) >= time.Minute {
		c.lastRefusal = now
		log.Error("the state manager refuses the API key", zap.Error(err))
	}
}

// unknown logs once that states of a node come in that is not served here.
func (c *counters) unknown(node string, log *zap.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.unknownNodes[node] {
		if c.unknownNodes == nil {
			c.unknownNodes = make(map[string]bool)
		}
		c.unknownNodes[node] = true
		log.Error("claimed a state of a node that is not served here; it is put back", zap.String("node", node))
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
