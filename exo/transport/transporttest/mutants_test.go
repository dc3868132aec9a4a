package transporttest_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/exo/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A mutant is a state manager with a fault, most often one of the
// reference server.
type mutant struct {
	name   string
	mutate func(t whole) whole
	caught []string // rules that must fail
	opts   []local.Option
}

type mutated struct {
	transport.Provider
	mutant mutant
}

func (m mutated) Namespace(name string) transport.Transport {
	return m.mutant.mutate(m.Provider.Namespace(name).(whole))
}

func mutants() []mutant {
	return slices.Concat(workerMutants(), graphMutants(), joinMutants(), upsertMutants(), versionMutants())
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
		transporttest.RunInBubble(t, func(t *testing.T, _ transporttest.Options) transport.Provider {
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
	transporttest.RunInBubble(t, func(t *testing.T, o transporttest.Options) transport.Provider {
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
		"--- PASS: TestMutant/§11_requeue:_the_same_state_again,_after_a_time ",
	} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("does not say %q", want)
		}
	}
}
