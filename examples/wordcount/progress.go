package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
)

// progress keeps a line on a terminal up to date.
type progress struct {
	out io.Writer // nil: not a terminal

	mu             sync.Mutex
	found, counted int
	shown          time.Time
}

func newProgress(w io.Writer) *progress {
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return &progress{out: w}
		}
	}
	return &progress{}
}

// trace counts what the runtime has finished.
func (p *progress) trace() *exo.Trace {
	return &exo.Trace{Finished: func(_ context.Context, info node.Info, outcome exo.Outcome, _ time.Duration) {
		p.mu.Lock()
		defer p.mu.Unlock()
		switch info.Node {
		case findFiles.Name():
			p.found += outcome.Outputs
		case countWords.Name():
			p.counted++
		}
		if p.out != nil && time.Since(p.shown) > 50*time.Millisecond {
			p.shown = time.Now()
			fmt.Fprintf(p.out, "\rcounted %d of %d files", p.counted, p.found)
		}
	}}
}

// done wipes the line.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out != nil {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
