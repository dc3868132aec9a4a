// Command bench measures the runtime: throughput, latency, allocations and
// memory, in process and over HTTP with the state manager in another process,
// beside what bare HTTP and the engine alone can do on the same machine at the
// same time.
//
//	go run ./bench                      # a minute, to see that nothing broke
//	go run ./bench -full -out FILE      # what docs/performance.md shows
//	go run ./bench -page FILE           # write docs/performance.md from it
//	bench/peers/run -full -out FILE     # beside asynq and River, with their servers
//
// Other programs on the machine change every figure. So each measurement is
// made once a round, one after the other, and medians over rounds are shown, with
// ratios taken within a round and the load average beside them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime/pprof"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A scale says how much is measured.
type scale struct {
	Rounds  int `json:"rounds"`
	States  int `json:"states"`  // of a throughput measurement
	Chains  int `json:"chains"`  // runs of three steps
	Fans    int `json:"fans"`    // runs of a fan-out of 100 with a join
	Jobs    int `json:"jobs"`    // of a throughput measurement of a peer
	PickUps int `json:"pickups"` // samples a round
	Polls   int `json:"polls"`   // the same, against a state manager that cannot hold a claim
	Soak    int `json:"soak"`    // states of the one long run
	Workers int `json:"workers"` // and batch size
}

var (
	short = scale{Rounds: 1, States: 20_000, Chains: 3_000, Fans: 100, Jobs: 5_000, PickUps: 200, Polls: 2, Soak: 50_000, Workers: 256}
	full  = scale{Rounds: 5, States: 100_000, Chains: 20_000, Fans: 1_000, Jobs: 50_000, PickUps: 1_000, Polls: 4, Soak: 1_000_000, Workers: 256}
)

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	isFull := flags.Bool("full", false, "measure at full length, in five rounds")
	out := flags.String("out", "", "write the results to this JSON `FILE`")
	page := flags.String("page", "", "measure nothing: write the page from this results `FILE`")
	to := flags.String("to", "docs/performance.md", "the page that -page writes")
	only := flags.String("only", "", "make only the measurements whose names this `PATTERN` finds")
	peersProgram := flags.String("peers", "", "measure other libraries as well, by this `PROGRAM`: see bench/peers/run")
	profile := flags.String("profile", "", "write a CPU profile of this process, which is the worker's, to this `FILE`")
	role := flags.String("role", "", "what a process that this program starts does: server, plain-server, idle or soak")
	s := short
	flags.IntVar(&s.Rounds, "rounds", s.Rounds, "how often each measurement is made")
	flags.IntVar(&s.Workers, "workers", s.Workers, "workers, and batch size, of throughput measurements")
	flags.IntVar(&s.Soak, "soak", s.Soak, "states of the long run")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if *isFull {
		given := s
		s = full
		flags.Visit(func(f *flag.Flag) {
			switch f.Name {
			case "rounds":
				s.Rounds = given.Rounds
			case "workers":
				s.Workers = given.Workers
			case "soak":
				s.Soak = given.Soak
			default:
			}
		})
	}
	switch {
	case *role != "":
		return runRole(ctx, *role, s, stdout)
	case *page != "":
		return writePage(*page, *to)
	}
	command := commandOf(args)
	pattern, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	if *profile != "" {
		stop, err := profileTo(*profile)
		if err != nil {
			return err
		}
		defer stop()
	}
	r, err := measureAll(ctx, s, *peersProgram, command, pattern, stderr)
	if err != nil {
		return err
	}
	if *out != "" {
		if err := r.save(*out); err != nil {
			return err
		}
	}
	_, err = io.WriteString(stdout, r.tables())
	return err
}

// profileTo profiles this process until stop is called.
func profileTo(path string) (stop func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
	}, nil
}

// commandOf is what was called, without the places of files, which say something
// about the machine's folders and nothing about the measurement.
func commandOf(args []string) string {
	command := []string{"go run ./bench"}
	for i := 0; i < len(args); i++ {
		name, _, joined := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		switch name {
		case "peers":
			command[0] = "bench/peers/run"
		case "out", "profile":
		default:
			command = append(command, args[i])
			continue
		}
		if !joined {
			i++
		}
	}
	return strings.Join(command, " ")
}
