package transporttest_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// workerMutants are faults in what becomes of states.
func workerMutants() []mutant {
	return []mutant{
		{name: "the same report twice is refused", mutate: func(t whole) whole {
			var taken sync.Map
			return eachReport(t, func(_ context.Context, r transport.Report, next func(transport.Report) error) error {
				err := next(r)
				if _, twice := taken.LoadOrStore(r.StateID, true); twice && err == nil {
					return badRequest("State is not queued")
				}
				return err
			})
		}, caught: []string{
			"§14 the same report again gets the first response",
			"§13 lease: the default one, a report after its end is ignored if another has the state",
		}},
		{name: "a report without a token is refused", mutate: func(t whole) whole {
			return eachReport(t, func(_ context.Context, r transport.Report, next func(transport.Report) error) error {
				if r.Token == "" {
					return badRequest("there is no token")
				}
				return next(r)
			})
		}, caught: []string{
			"§13 lease: the default one, a report after its end is taken if no other runtime has the state",
			"§13 lease: the default one, for claims that ask for none",
			"§14 manual retry: only of a state that has failed, or is under claim without a lease",
		}},
		{name: "all leases end as if they had been asked for", mutate: func(t whole) whole {
			return overClaim{t, func(ctx context.Context, req transport.ClaimRequest) ([]transport.Claimed, error) {
				req.Lease = max(req.Lease, time.Millisecond)
				return t.Claim(ctx, req)
			}}
		}, caught: []string{
			"§13 lease: the default one, for claims that ask for none",
			"§13 lease: the default one ends as often as there are attempts, and once more",
			"§13 lease: the default one, a report after its end is taken if no other runtime has the state",
			"§14 manual retry: only of a state that has failed, or is under claim without a lease",
		}},
		{name: "states are offered for ever", mutate: func(t whole) whole {
			return overPutGraph{t, func(ctx context.Context, name string, g transport.GraphSpec) (transport.GraphInfo, error) {
				if g.Retry != nil {
					more := *g.Retry
					more.MaxRetries += 100
					g.Retry = &more
				}
				return t.PutGraph(ctx, name, g)
			}}
		}, caught: []string{"§13 lease: the default one ends as often as there are attempts, and once more"}},
		{name: "what is collected is in order of creation", mutate: func(t whole) whole {
			return overClaim{t, func(ctx context.Context, req transport.ClaimRequest) ([]transport.Claimed, error) {
				states, err := t.Claim(ctx, req)
				for i := range states {
					states[i].Inputs = bytes.Replace(states[i].Inputs, []byte(`\"uw1\",\"uw2\",\"uw3\"`), []byte(`\"uw3\",\"uw2\",\"uw1\"`), 1)
				}
				return states, err
			}}
		}, caught: []string{"§13 collect: lists line up, also after a retry"}},
		{name: "branches that failed are left out", mutate: func(t whole) whole {
			return overClaim{t, func(ctx context.Context, req transport.ClaimRequest) ([]transport.Claimed, error) {
				states, err := t.Claim(ctx, req)
				for i := range states {
					states[i].Inputs = bytes.Replace(states[i].Inputs,
						[]byte(`{\"index\":1,\"step\":\"work\",\"status\":\"ERRORED\",\"error\":\"broken\"},`), nil, 1)
				}
				return states, err
			}}
		}, caught: []string{"§13 collect: lists of branches have an entry for each"}},
		{name: "any report is taken", mutate: func(t whole) whole {
			return eachReport(t, func(_ context.Context, r transport.Report, next func(transport.Report) error) error {
				_ = next(r)
				return nil
			})
		}, caught: []string{
			"§14 another report afterwards is 409", "§14 two reports at once: one is taken", "§14 requeue: only of a state under claim",
			"§13 lease: a report that is late is 409", "§13 lease: a report with another token is 409", "§3 report: of a state that is not under claim is 400",
			"§14 namespaces: executed from another is 404",
		}},
		{name: "one bad output poisons the others", mutate: func(t whole) whole {
			return eachReport(t, func(_ context.Context, r transport.Report, next func(transport.Report) error) error {
				if e, ok := r.Outcome.(transport.Executed); ok && slices.ContainsFunc(e.Outputs, func(o transport.Object) bool { return !bytes.Contains(o, []byte(`"out"`)) }) {
					r.Outcome = transport.Executed{Outputs: slices.Repeat([]transport.Object{transport.Object(`{}`)}, len(e.Outputs))}
				}
				return next(r)
			})
		}, caught: []string{"§14 one bad output of a fan-out fails alone"}},
		{name: "no leases", mutate: func(t whole) whole {
			return overClaim{t, func(ctx context.Context, req transport.ClaimRequest) ([]transport.Claimed, error) {
				req.Lease = 0
				return t.Claim(ctx, req)
			}}
		}, caught: []string{"§14 a worker dies: another gets its states", "§13 lease: one that ends is a failure", "§13 lease: a claim that asks for one gets it, and a token"}},
		{name: "any batch size", mutate: func(t whole) whole {
			return overClaim{t, func(ctx context.Context, req transport.ClaimRequest) ([]transport.Claimed, error) {
				req.Max = max(req.Max, 1)
				return t.Claim(ctx, req)
			}}
		}, caught: []string{"§14 batch size: none for 0 or less, at most 1000"}},
		{name: "secrets are all of the graph's, for any state", mutate: func(t whole) whole {
			return overSecrets{t, func(context.Context, string) (transport.Secrets, error) {
				return transport.Secrets{"key": "k-1", "token": "t-2"}, nil
			}}
		}, caught: []string{"§14 secrets: those that the node declares, for a state under claim", "§14 namespaces: secrets from another is 404"}},
		{
			name: "the data of a prune is lost", mutate: func(t whole) whole { return overDetail{t} },
			caught: []string{"§14 prune: its data is in the state's detail"},
		},
		{name: "a manual retry in any status", mutate: func(t whole) whole {
			return overRetry{t, func(ctx context.Context, id, fanoutID string) (string, error) {
				made, err := t.Retry(ctx, id, fanoutID)
				if errors.Is(err, transport.ErrConflict) || errors.Is(err, transport.ErrNotFound) {
					return "", err
				}
				return made, nil
			}}
		}, caught: []string{
			"§14 manual retry: only of a state that has failed, or is under claim without a lease", "§10 manual retry: of a state under a lease is 400",
		}},
		{name: "a manual retry is made, and its state done at once", mutate: func(t whole) whole {
			return overRetry{t, func(ctx context.Context, id, fanoutID string) (string, error) {
				made, err := t.Retry(ctx, id, fanoutID)
				if err != nil {
					return "", err
				}
				states, err := t.Claim(ctx, transport.ClaimRequest{Nodes: []string{"Work"}, Max: 1})
				if err != nil || len(states) == 0 {
					return made, err
				}
				errs := t.Report(ctx, []transport.Report{{StateID: states[0].ID, Token: states[0].Token, Outcome: transport.Pruned{}}})
				return made, errors.Join(errs...)
			}}
		}, caught: []string{
			"§9 ALL_DONE: runs again after a manual retry of the branch succeeds", "§9 ALL_DONE: a join that is to run again is no longer claimed",
		}},
		{
			name: "the next states are made later", mutate: nextStatesLater,
			caught: []string{"§14 the next states are there when the report returns"},
		},
		{name: "the chain breaks at a node of another namespace", mutate: func(t whole) whole {
			return eachOutcome(t, func(ctx context.Context, s transport.Claimed, o transport.Outcome) transport.Outcome {
				if _, err := t.Graph(ctx, s.Graph); err != nil {
					return transport.Pruned{} // what follows is looked for here, where the graph is not
				}
				return o
			})
		}, caught: []string{"§14 nodes of another namespace"}},
	}
}

// nextStatesLater answers what was executed at once, and acts on it only when
// states are claimed again.
func nextStatesLater(t whole) whole {
	var mu sync.Mutex
	var answered []transport.Report
	reports := eachReport(t, func(_ context.Context, r transport.Report, next func(transport.Report) error) error {
		if _, ok := r.Outcome.(transport.Executed); !ok {
			return next(r)
		}
		mu.Lock()
		defer mu.Unlock()
		answered = append(answered, r)
		return nil
	})
	return overClaim{reports, func(ctx context.Context, req transport.ClaimRequest) ([]transport.Claimed, error) {
		mu.Lock()
		due := answered
		answered = nil
		mu.Unlock()
		_ = t.Report(ctx, due)
		return t.Claim(ctx, req)
	}}
}
