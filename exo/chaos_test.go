//go:build linux

package exo_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
)

var (
	chaosDuration = flag.Duration("chaos.duration", 2*time.Second, "how long TestChaos kills and stops processes")
	chaosSeed     = flag.Uint64("chaos.seed", 0, "the seed of TestChaos; 0: a new one")
)

// chaosEnv makes the test binary a worker; its value is the state manager's URL.
const chaosEnv = "EXO_CHAOS_WORKER"

// item is one of the things that a chaos run counts.
type item struct {
	Number string `json:"number"`
}

const chaosItems = 20

// chaosNodes are what the workers serve: a fan-out whose items are each worked
// on for a while, and joined.
func chaosNodes() (source *node.Node[exo.None, item, exo.None], split *node.Node[item, item, exo.None], work, join *node.Node[item, item, exo.None]) {
	source = exo.Node("Source", func(context.Context, exo.None, exo.None) (item, error) { return item{"0"}, nil })
	split = exo.FanOut("Split", func(context.Context, item, exo.None) ([]item, error) {
		items := make([]item, chaosItems)
		for i := range items {
			items[i].Number = strconv.Itoa(i)
		}
		return items, nil
	})
	work = exo.Node("Work", func(ctx context.Context, in item, _ exo.None) (item, error) {
		select {
		case <-time.After(rand.N(100 * time.Millisecond)):
		case <-ctx.Done():
			return item{}, ctx.Err()
		}
		if rand.IntN(10) == 0 {
			return item{}, errors.New("now and then")
		}
		return in, nil
	})
	join = exo.Node("Join", func(_ context.Context, in item, _ exo.None) (item, error) { return in, nil })
	return source, split, work, join
}

func chaosGraph() *exo.Graph {
	source, split, work, join := chaosNodes()
	g := exo.NewGraph("chaos").Retry(exo.RetryPolicy{MaxRetries: 1000, Strategy: exo.Fixed, Backoff: 10 * time.Millisecond, Exponent: 1})
	s0 := exo.Add(g, "source", source, exo.None{})
	s1 := exo.Add(g, "split", split, s0.Out, exo.After(s0))
	s2 := exo.Add(g, "work", work, s1.Out, exo.After(s1))
	exo.Add(g, "join", join, s0.Out, exo.After(s2), exo.Unites(s0, exo.AllSuccess))
	return g
}

// A worker process is this test binary, which becomes one before any test runs.
func init() { //nolint:gochecknoinits // the only place ahead of TestMain
	if url := os.Getenv(chaosEnv); url != "" {
		os.Exit(chaosWorker(url))
	}
}

// chaosWorker is the main function of a worker process.
func chaosWorker(url string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	err := exo.Serve(ctx, "chaos", "worker"+strconv.Itoa(os.Getpid()), chaosGraph().Nodes(),
		exo.WithURL(url), exo.WithAPIKey(apiKey), exo.WithLogger(zap.NewNop()),
		exo.WithWorkers(4), exo.WithLease(time.Second), exo.WithDrainTimeout(time.Second))
	switch {
	case errors.Is(err, exo.ErrDrainTimeout):
		return 3
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestChaos lets real worker processes work for a real exo serve, while they are
// killed, stopped and started, the server hangs, and the way to it is closed.
//
// The server keeps everything in memory, so it is not killed: it is held by
// SIGSTOP, and a relay before its port refuses connections and cuts them off.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("runs processes for seconds")
	}
	// The kernel ends the children of a thread that ends, should this process be
	// killed before it can.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	seed := *chaosSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("replay: go test ./exo -run TestChaos -chaos.seed %d", seed)
	c := &chaos{t: t, dice: rand.New(rand.NewPCG(seed, 0))}
	server, url := c.serve()
	c.relay = newRelay(t, strings.TrimPrefix(url, "http://"))
	for range 4 {
		c.start()
	}
	// The test itself goes to the server by the straight way.
	m, err := exo.NewStateManager("chaos", exo.WithURL(url), exo.WithAPIKey(apiKey), exo.WithLogger(zap.NewNop()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), *chaosDuration+time.Minute)
	defer cancel()
	g := chaosGraph()
	for { // until the nodes are registered
		if _, err = m.UpsertGraph(ctx, g); err == nil {
			break
		}
		var invalid *exo.GraphInvalidError
		if !errors.As(err, &invalid) || !wait(ctx, 10*time.Millisecond) {
			t.Fatal(err)
		}
	}
	var runs []*exo.Run
	for end := time.Now().Add(*chaosDuration); time.Now().Before(end); {
		r, err := m.Trigger(ctx, g.Name(), exo.TriggerOptions{})
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, r)
		c.happen(ctx, server)
	}
	c.relay.open()
	c.start()
	for _, r := range runs {
		result, err := r.Wait(ctx)
		if err != nil {
			unended(t, r)
			t.Fatalf("a run does not end: %v", err)
		}
		checkChaos(t, result)
	}
	for _, w := range c.workers {
		c.end(w)
	}
	t.Logf("%d runs; %+v", len(runs), c.done)
}

// unended says which states of a run are pending.
func unended(t *testing.T, r *exo.Run) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	g, err := r.Graph(ctx)
	if err != nil {
		t.Error(err)
		return
	}
	t.Logf("%+v", g)
}

// checkChaos looks whether every item was counted, once.
func checkChaos(t *testing.T, result *exo.RunResult) {
	t.Helper()
	if result.Status != exo.RunSuccess {
		t.Errorf("%v", result.Err())
	}
	counted := make(map[string]int)
	firsts := make(map[string]int)
	for _, s := range result.States {
		switch s.Status {
		case transport.StatusSuccess:
			counted[s.Identifier+string(s.Outputs)]++
		case transport.StatusRetryCreated:
		default:
			t.Errorf("state %s is %s", s.ID, s.Status)
		}
		if s.Attempt == 0 {
			firsts[s.Identifier]++
		}
	}
	want := map[string]int{`source{"number":"0"}`: 1, `join{"number":"0"}`: 1}
	for i := range chaosItems {
		for _, step := range []string{"split", "work"} {
			want[fmt.Sprintf(`%s{"number":"%d"}`, step, i)] = 1
		}
	}
	for name, n := range counted {
		if want[name] != n {
			t.Errorf("%s is counted %d times", name, n)
		}
	}
	if len(counted) != len(want) || firsts["work"] != chaosItems || firsts["join"] != 1 {
		t.Errorf("%d outcomes of %d; first attempts %v", len(counted), len(want), firsts)
	}
}

// chaos is what happens, and the processes that it happens to.
type chaos struct {
	t       *testing.T
	dice    *rand.Rand
	relay   *relay
	workers []*exec.Cmd
	done    counts
}

type counts struct{ killed, terminated, held, refused, cut int }

// command starts a process that ends with the test, whatever becomes of it.
func (c *chaos) command(cmd *exec.Cmd) *exec.Cmd {
	c.t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { // a second end of the same process does nothing
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

// serve builds exo, and starts exo serve.
func (c *chaos) serve() (*exec.Cmd, string) {
	c.t.Helper()
	program := filepath.Join(c.t.TempDir(), "exo")
	if out, err := exec.CommandContext(c.t.Context(), "go", "build", "-o", program, "../cmd/exo").CombinedOutput(); err != nil {
		c.t.Fatalf("building exo: %v\n%s", err, out)
	}
	cmd := exec.Command(program, "serve", "--addr", "127.0.0.1:0", "--api-key", apiKey, "--log-level", "error")
	out, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	c.command(cmd)
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "EXOSPHERE_STATE_MANAGER_URI=")
	if err != nil || !ok {
		c.t.Fatalf("exo serve says %q, %v", line, err)
	}
	return cmd, url
}

// start starts a worker.
func (c *chaos) start() {
	c.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), chaosEnv+"=http://"+c.relay.addr())
	c.workers = append(c.workers, c.command(cmd))
}

// end stops a worker by SIGTERM.
func (c *chaos) end(w *exec.Cmd) {
	c.t.Helper()
	if err := w.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Errorf("stop worker %d: %v", w.Process.Pid, err)
	}
	_ = w.Wait()
	// 3 is a drain that took too long, as it does while the server is away. A
	// process that had not come to handle signals is ended by it.
	if code := w.ProcessState.ExitCode(); code != 0 && code != 3 && !ended(w, syscall.SIGTERM) {
		c.t.Errorf("worker %d: %v", w.Process.Pid, w.ProcessState)
	}
}

func ended(w *exec.Cmd, by syscall.Signal) bool {
	status, ok := w.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == by
}

// happen lets one thing happen, and some time pass.
func (c *chaos) happen(ctx context.Context, server *exec.Cmd) {
	c.t.Helper()
	i := c.dice.IntN(len(c.workers))
	w := c.workers[i]
	while := time.Duration(c.dice.IntN(600)) * time.Millisecond
	switch c.dice.IntN(6) {
	case 0, 1:
		c.done.killed++
		_ = w.Process.Kill()
		_ = w.Wait()
		c.replace(i)
	case 2:
		c.done.terminated++
		c.end(w)
		c.replace(i)
	case 3:
		c.done.held++
		if err := server.Process.Signal(syscall.SIGSTOP); err != nil {
			c.t.Fatal(err)
		}
		wait(ctx, while)
		if err := server.Process.Signal(syscall.SIGCONT); err != nil {
			c.t.Fatal(err)
		}
	case 4:
		c.done.refused++
		c.relay.refuse()
		wait(ctx, 3*while) // longer than a lease at times
		c.relay.open()
	default:
		c.done.cut++
		c.relay.cut()
	}
	wait(ctx, time.Duration(c.dice.IntN(150))*time.Millisecond)
}

// replace starts a worker in place of one that has ended.
func (c *chaos) replace(i int) {
	c.t.Helper()
	c.workers = append(c.workers[:i], c.workers[i+1:]...)
	c.start()
}

// wait waits, in real time: processes have no other.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// A relay passes connections on to the server, when it is open.
type relay struct {
	listener net.Listener
	server   string
	passing  sync.WaitGroup

	mu      sync.Mutex
	refuses bool
	conns   map[net.Conn]struct{}
}

func newRelay(t *testing.T, server string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: listener, server: server, conns: make(map[net.Conn]struct{})}
	r.passing.Go(r.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		r.refuse()
		r.passing.Wait()
	})
	return r
}

func (r *relay) addr() string { return r.listener.Addr().String() }

func (r *relay) accept() {
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.passing.Go(func() { r.pass(conn) })
	}
}

// pass passes one connection on until either side ends it.
func (r *relay) pass(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	if !r.add(conn) {
		return
	}
	defer r.remove(conn)
	to, err := net.Dial("tcp", r.server)
	if err != nil {
		return
	}
	defer func() { _ = to.Close() }()
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(conn, to)
		_ = conn.Close()
	})
	_, _ = io.Copy(to, conn)
	_ = to.Close()
	back.Wait()
}

func (r *relay) add(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuses {
		return false
	}
	r.conns[conn] = struct{}{}
	return true
}

func (r *relay) remove(conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, conn)
}

// refuse closes connections as they come, and those that are there.
func (r *relay) refuse() {
	r.mu.Lock()
	r.refuses = true
	r.mu.Unlock()
	r.cut()
}

func (r *relay) open() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuses = false
}

// cut closes the connections that are there, in the middle of whatever they are
// about.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.conns {
		_ = conn.Close()
	}
}
