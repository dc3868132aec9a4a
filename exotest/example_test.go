package exotest_test

import (
	"fmt"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/exotest"
)

// A result may come from anywhere: here is one of a graph of two steps, of which
// the second failed once.
func exampleResult() *exo.RunResult {
	start := time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)
	state := func(id, step string, status exo.Status, in, out, err string, parents ...transport.Parent) exo.State {
		return exo.State{ID: id, Identifier: step, Status: status, Inputs: []byte(in), Outputs: []byte(out), Error: err, Parents: parents, CreatedAt: start, UpdatedAt: start}
	}
	list := transport.Parent{Identifier: "list", StateID: "s1"}
	r := &exo.RunResult{ID: "r1", Graph: "album", Status: exo.RunSuccess, Elapsed: 2 * time.Second, States: []exo.State{
		state("s1", "list", transport.StatusSuccess, `{"name":"summer"}`, `{"file":"sea.jpg"}`, ""),
		state("s2", "shrink", transport.StatusRetryCreated, `{"file":"sea.jpg"}`, `{}`, "the disk is full", list),
		state("s3", "shrink", transport.StatusSuccess, `{"file":"sea.jpg"}`, `{"file":"sea-small.jpg"}`, "", list),
	}}
	r.States[2].UpdatedAt = start.Add(2 * time.Second)
	return r
}

func ExampleTranscript() {
	fmt.Print(exotest.Transcript(exampleResult()))
	// Output:
	// run of album: SUCCESS after 2s
	//
	// list +0s SUCCESS {"name":"summer"} -> {"file":"sea.jpg"}
	//   shrink +0s RETRY_CREATED {"file":"sea.jpg"} error "the disk is full"
	//   shrink#2 +2s SUCCESS {"file":"sea.jpg"} -> {"file":"sea-small.jpg"}
}

func ExampleAttempts() {
	r := exampleResult()
	fmt.Println(exotest.Path(r), exotest.Attempts(r, "shrink"), exotest.Delays(r, "shrink"))
	// Output:
	// [list shrink] [2] [2s]
}
