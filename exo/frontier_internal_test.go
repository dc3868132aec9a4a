package exo

import (
	"strconv"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// What is remembered of a long list does not grow with it.
func TestFrontierIsBounded(t *testing.T) {
	t.Parallel()
	var f frontier
	for page := range 1000 {
		runs := make([]transport.RunInfo, runsPage)
		for i := range runs {
			n := page*runsPage + i
			runs[i] = transport.RunInfo{ID: strconv.Itoa(n), CreatedAt: time.Unix(int64(-n/2), 0)}
			if f.has(runs[i]) {
				t.Fatalf("run %d was not given", n)
			}
		}
		f.add(runs)
		if !f.has(runs[0]) || !f.has(runs[runsPage-1]) || len(f.ids) > 2 {
			t.Fatalf("page %d: %d runs are remembered", page, len(f.ids))
		}
	}
}
