package transport_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// largeRun is a state manager with a run of so many states of so many bytes. It
// gives them in parts, or all at once if it does not know the notion.
type largeRun struct {
	states, bytes int
	whole         bool
	queries       []string
}

func (l *largeRun) output() string { return strings.Repeat("x", l.bytes) }

func (l *largeRun) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.URL.Path, "/run/") {
		l.queries = append(l.queries, r.URL.RawQuery)
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("from"))
	size, _ := strconv.Atoi(r.URL.Query().Get("size"))
	if l.whole {
		from, size = 0, l.states
	}
	var b strings.Builder
	fmt.Fprintf(&b, `{"run_id":"r","graph_name":"g","status":"SUCCESS","total_count":%d,"states":[`, l.states)
	for i := from; i < min(from+size, l.states); i++ {
		if i > from {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%d","outputs":{"o":"%s"}}`, i, l.output())
	}
	b.WriteString("]}")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len())) // else too much of it has to be read
	speaks("run", b.String())(w, r)
}

func TestLargeRuns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		run   *largeRun
		calls int
	}{
		"in one part":                     {&largeRun{states: 5000}, 1},
		"in parts":                        {&largeRun{states: 12_000}, 3},
		"without states":                  {&largeRun{}, 1},
		"of a server that knows no parts": {&largeRun{states: 12_000, whole: true}, 1},
		"of large states":                 {&largeRun{states: 17, bytes: 1 << 20}, 3 + 2}, // 5000, 625 and 78 are too many at once, 9 are not
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, c.run.ServeHTTP)
			ns := p.namespace("ns")
			info, states, err := ns.(transport.RunReader).Run(t.Context(), "r", time.Second)
			if err != nil || info.Total != c.run.states || len(states) != c.run.states {
				t.Fatalf("%+v, %d states, %v", info, len(states), err)
			}
			for i, s := range states {
				if s.ID != strconv.Itoa(i) {
					t.Fatalf("state %s is in place %d", s.ID, i)
				}
			}
			if len(c.run.queries) != c.calls {
				t.Errorf("calls %q, want %d", c.run.queries, c.calls)
			}
			for i, q := range c.run.queries {
				if waits := strings.Contains(q, "wait_ms="); waits && strings.Contains(q, "from=") {
					t.Errorf("call %d waits again: %s", i, q)
				}
			}
		})
	}
	t.Run("of a state that no answer can hold", func(t *testing.T) {
		t.Parallel()
		p := newPeer(t, (&largeRun{states: 1, bytes: 17 << 20}).ServeHTTP)
		_, _, err := p.namespace("ns").(transport.RunReader).Run(t.Context(), "r", 0)
		if !errors.Is(err, transport.ErrAnswerTooLarge) {
			t.Errorf("%v", err)
		}
	})
}
