package node_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/node"
)

func TestPermanent(t *testing.T) {
	t.Parallel()
	err := node.Permanent(fmt.Errorf("read page: %w", io.EOF))
	if err.Error() != "read page: EOF" || !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{err, true},
		{fmt.Errorf("outer: %w", err), true},
		{errors.Join(io.EOF, err), true},
		{node.Permanent(err), true},
		{node.Permanent(nil), false},
		{nil, false},
		{io.EOF, false},
		{&node.PruneSignal{}, false},
	} {
		if got := node.IsPermanent(tt.err); got != tt.want {
			t.Errorf("IsPermanent(%v) = %v", tt.err, got)
		}
	}
	if node.Permanent(nil) != nil {
		t.Error("Permanent(nil) is an error")
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("wrapped: %w", &node.PruneSignal{Data: map[string]any{"why": "done"}})
	var prune *node.PruneSignal
	if !errors.As(err, &prune) || prune.Data["why"] != "done" {
		t.Errorf("got %v", prune)
	}
	err = fmt.Errorf("wrapped: %w", &node.RequeueSignal{After: time.Second})
	var requeue *node.RequeueSignal
	if !errors.As(err, &requeue) || requeue.After != time.Second || errors.As(err, &prune) {
		t.Errorf("got %v", requeue)
	}
	// What a user sees who reports a signal as if it were a failure.
	if prune.Error() != "exo: prune: return this error from the node unchanged" || requeue.Error() != "exo: requeue: return this error from the node unchanged" {
		t.Errorf("got %q and %q", prune, requeue)
	}
}
