package transporttest_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/exo/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// whole is a transport with all abilities.
type whole interface {
	transport.Transport
	transport.Heartbeater
	transport.StoreBackend
	transport.Canceler
	transport.RunReader
	transport.TriggerCanceler
	transport.Extender
}

// A mutant is a state manager with a fault of the reference server.
type mutant struct {
	name   string
	mutate func(t whole) whole
	caught []string // rules that must fail
	opts   []local.Option
}

type mutated struct {
	transport.StateManager
	mutant mutant
}

func (m mutated) Namespace(name string) transport.Transport {
	return m.mutant.mutate(m.StateManager.Namespace(name).(whole))
}

type overReport struct {
	whole
	report func(ctx context.Context, reports []transport.Report) []error
}

func (o overReport) Report(ctx context.Context, reports []transport.Report) []error {
	return o.report(ctx, reports)
}

type overClaim struct {
	whole
	claim func(ctx context.Context, req transport.ClaimRequest) ([]transport.State, error)
}

func (o overClaim) Claim(ctx context.Context, req transport.ClaimRequest) ([]transport.State, error) {
	return o.claim(ctx, req)
}

type overTrigger struct {
	whole
	trigger func(ctx context.Context, graph string, t transport.TriggerSpec) (string, error)
}

func (o overTrigger) Trigger(ctx context.Context, graph string, t transport.TriggerSpec) (string, error) {
	return o.trigger(ctx, graph, t)
}

type overGraph struct{ whole }

func (o overGraph) Graph(ctx context.Context, name string) (transport.GraphStatus, error) {
	g, err := o.whole.Graph(ctx, name)
	g.Retry, g.Store, g.Triggers = transport.DefaultRetryPolicy(), transport.StoreConfig{}, nil
	return g, err
}

type overPutGraph struct{ whole }

// PutGraph takes what it should refuse.
func (o overPutGraph) PutGraph(ctx context.Context, name string, g transport.GraphSpec) (transport.GraphStatus, error) {
	status, err := o.whole.PutGraph(ctx, name, g)
	if errors.As(err, new(*transport.Error)) {
		return transport.GraphStatus{Validation: transport.Valid}, nil
	}
	return status, err
}

type overSecrets struct {
	whole
	secrets func(ctx context.Context, id string) (transport.Secrets, error)
}

func (o overSecrets) Secrets(ctx context.Context, id string) (transport.Secrets, error) {
	return o.secrets(ctx, id)
}

type overDetail struct{ whole }

func (o overDetail) StateDetail(ctx context.Context, graph, runID, stateID string) (transport.StateDetail, error) {
	d, err := o.whole.StateDetail(ctx, graph, runID, stateID)
	d.Data = nil
	return d, err
}

type overRetry struct {
	whole
	retry func(ctx context.Context, id, fanoutID string) (string, error)
}

func (o overRetry) Retry(ctx context.Context, id, fanoutID string) (string, error) {
	return o.retry(ctx, id, fanoutID)
}

// eachReport changes how one report is taken.
func eachReport(t whole, take func(ctx context.Context, r transport.Report, next func(transport.Report) error) error) whole {
	return overReport{t, func(ctx context.Context, reports []transport.Report) []error {
		errs, bad := make([]error, len(reports)), false
		for i, r := range reports {
			errs[i] = take(ctx, r, func(r transport.Report) error { return errors.Join(t.Report(ctx, []transport.Report{r})...) })
			bad = bad || errs[i] != nil
		}
		if !bad {
			return nil
		}
		return errs
	}}
}

func badRequest(message string) error {
	return &transport.Error{Op: "test", Status: http.StatusBadRequest, Message: message}
}

func mutants() []mutant {
	return []mutant{
		{
			name: "joins of the reference server", mutate: func(t whole) whole { return t }, opts: []local.Option{local.AsReference()},
			caught: []string{
				"§14 joins: ALL_DONE runs if the last branch is pruned", "§14 joins: ALL_DONE runs if the last branch fails",
				"§14 joins: ALL_DONE runs if the last branch ends in a leaf", "§14 joins: ALL_SUCCESS runs if the last branch ends in a leaf",
				"§14 joins: ALL_DONE runs if all branches are pruned", "§14 joins: ALL_SUCCESS runs if all branches are pruned",
				"§14 joins: a pruned branch is done for ALL_SUCCESS",
				"§14 joins: ALL_DONE: two on one anchor both run", "§14 joins: ALL_SUCCESS: two on one anchor both run",
			},
		},
		{name: "the same report twice is refused", mutate: func(t whole) whole {
			var taken sync.Map
			return eachReport(t, func(_ context.Context, r transport.Report, next func(transport.Report) error) error {
				err := next(r)
				if _, twice := taken.LoadOrStore(r.StateID, true); twice && err == nil {
					return badRequest("State is not queued")
				}
				return err
			})
		}, caught: []string{"§14 the same report again is answered as the first time"}},
		{name: "any report is taken", mutate: func(t whole) whole {
			return eachReport(t, func(_ context.Context, r transport.Report, next func(transport.Report) error) error {
				_ = next(r)
				return nil
			})
		}, caught: []string{
			"§14 another report afterwards is 409", "§14 two reports at once: one is taken", "§14 re-queue: only of a state under claim",
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
			return overClaim{t, func(ctx context.Context, req transport.ClaimRequest) ([]transport.State, error) {
				req.Lease = 0
				return t.Claim(ctx, req)
			}}
		}, caught: []string{"§14 a worker dies: another gets its states", "§13 lease: one that ends is a failure", "§13 lease: a claim that asks for one gets it, and a token"}},
		{name: "any batch size", mutate: func(t whole) whole {
			return overClaim{t, func(ctx context.Context, req transport.ClaimRequest) ([]transport.State, error) {
				req.Max = max(req.Max, 1)
				return t.Claim(ctx, req)
			}}
		}, caught: []string{"§14 batch size: none for 0 or less, at most 1000"}},
		{name: "trigger inputs are templates", mutate: func(t whole) whole {
			return overTrigger{t, func(ctx context.Context, graph string, s transport.TriggerSpec) (string, error) {
				for _, v := range s.Inputs {
					if strings.Contains(v, "${{") {
						return "", badRequest("Invalid input")
					}
				}
				return t.Trigger(ctx, graph, s)
			}}
		}, caught: []string{"§14 trigger inputs are data", "§1 values are any text"}},
		{name: "a default does not serve for a required key", mutate: func(t whole) whole {
			return overTrigger{t, func(ctx context.Context, graph string, s transport.TriggerSpec) (string, error) {
				g, err := t.Graph(ctx, graph)
				for _, k := range g.Store.RequiredKeys {
					if _, ok := s.Store[k]; !ok && err == nil {
						return "", badRequest("Missing store keys: {'" + k + "'}")
					}
				}
				return t.Trigger(ctx, graph, s)
			}}
		}, caught: []string{"§14 a required store key that has a default"}},
		{
			name: "graphs show defaults", mutate: func(t whole) whole { return overGraph{t} },
			caught: []string{"§14 graph: shows its retry policy, store and triggers"},
		},
		{
			name: "any graph is taken", mutate: func(t whole) whole { return overPutGraph{t} },
			caught: []string{"§14 a diamond that reads both branches is refused", "§6.1 refused: a cycle", "§12 refused: a cron expression that is none"},
		},
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
		}, caught: []string{"§14 manual retry: only of a state that has failed"}},
	}
}

// mutantName says, in the environment, which mutant TestMutant is to test.
const mutantName = "EXO_TEST_MUTANT"

// poor is no mutant, but a state manager without extensions.
const poor = "without extensions"

// TestMutant fails, as it should, for TestFaultsAreCaught.
func TestMutant(t *testing.T) {
	t.Parallel()
	name := os.Getenv(mutantName)
	if name == poor {
		transporttest.RunInBubble(t, func(t *testing.T, _ transporttest.Options) transport.StateManager {
			t.Helper()
			s := local.New(local.WithoutExtensions())
			t.Cleanup(func() { _ = s.Close() })
			return s
		})
		return
	}
	i := slices.IndexFunc(mutants(), func(m mutant) bool { return m.name == name })
	if i < 0 {
		t.Skip("run by TestFaultsAreCaught")
	}
	transporttest.RunInBubble(t, func(t *testing.T, o transporttest.Options) transport.StateManager {
		t.Helper()
		s := local.New(append(mutants()[i].opts, local.WithDefaultLease(o.DefaultLease))...)
		t.Cleanup(func() { _ = s.Close() })
		return mutated{s, mutants()[i]}
	})
}

var failed = regexp.MustCompile(`(?m)^ *--- FAIL: TestMutant/(\S+)`)

// Every rule must be able to fail: here, by what the reference server does.
func TestFaultsAreCaught(t *testing.T) {
	t.Parallel()
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			out, err := testMutant(t, m.name)
			var exit *exec.ExitError
			if !errors.As(err, &exit) {
				t.Fatalf("%v: %s", err, out)
			}
			var caught []string
			for _, match := range failed.FindAllSubmatch(out, -1) {
				caught = append(caught, string(match[1]))
			}
			for _, rule := range m.caught {
				if !slices.Contains(caught, strings.ReplaceAll(rule, " ", "_")) {
					t.Errorf("%q did not fail, but %q", rule, caught)
				}
			}
		})
	}
}

// testMutant runs TestMutant by itself, since it may fail.
func testMutant(t *testing.T, name string) (output []byte, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMutant$", "-test.v")
	cmd.Env = append(os.Environ(), mutantName+"="+name)
	return cmd.CombinedOutput()
}

// A rule that could not be tested must not look as if it had been.
func TestWhatIsLackingIsSkippedByName(t *testing.T) {
	t.Parallel()
	out, err := testMutant(t, poor)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{
		"--- SKIP: TestMutant/§13_wait:_until_a_state_is_made ", `the state manager lacks the extension "wait"`,
		"--- SKIP: TestMutant/§13_store:_set,_get,_delete ", `the state manager lacks the extension "store"`,
		"--- PASS: TestMutant/§11_re-queue:_the_same_state_again,_after_a_time ",
	} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("does not say %q", want)
		}
	}
}
