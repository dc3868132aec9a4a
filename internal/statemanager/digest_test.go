package statemanager_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/statemanager"
)

// Digests are the same in every process: a report is told from an earlier one
// after a restart. These are CRC-64/XZ.
func TestDigestsAreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		outcome transport.Outcome
		want    uint64
	}{
		{transport.Executed{}, 0},
		{transport.Errored{Message: "123456789"}, 0x995dc9bbdf1939fa},
		{transport.Errored{Message: "123456789", Permanent: true}, 0x857e57faf9301baa},
		{transport.Errored{Message: strings.Repeat("a", 2000)}, 0x81f101c3b888c5b2},
		{outputs("abc"), 0x37e42dc2df78811},
		{transport.Pruned{}, 0x9391596a75ded55d},
		{transport.Requeued{After: time.Second}, 0xd4dc695ac933dd5a},
	} {
		got, err := statemanager.Digest(c.outcome)
		if err != nil || got != c.want {
			t.Errorf("digest of %T: %#x, %v, want %#x", c.outcome, got, err, c.want)
		}
	}
}
