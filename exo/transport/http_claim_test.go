package transport_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/google/go-cmp/cmp"
)

// holder is a state manager that holds claims as long as it is asked to, unless
// they are woken.
type holder struct {
	arrives time.Duration // how long a claim is under way to it
	refuses int           // the status with which it answers who wakes
	mu      sync.Mutex
	waiting map[string]chan struct{}
	held    []time.Duration // as asked
	wakes   int
}

func (h *holder) namespace(t *testing.T, timeout time.Duration) transport.Transport {
	t.Helper()
	h.waiting = make(map[string]chan struct{})
	trip := roundTrip(func(r *http.Request) (*http.Response, error) {
		if !strings.Contains(r.URL.Path, "/states/") {
			return response(http.StatusOK, anyAnswer), nil
		}
		var req struct {
			WaitMS int64  `json:"wait_ms"`
			WaitID string `json:"wait_id"`
		}
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			return nil, err
		}
		if strings.HasSuffix(r.URL.Path, "/wake") {
			return h.wake(req.WaitID), nil
		}
		h.hold(time.Duration(req.WaitMS)*time.Millisecond, req.WaitID)
		return response(http.StatusOK, `{"states":[]}`), nil
	})
	ns := transport.HTTP{URL: "http://state-manager.test", Client: &http.Client{Transport: trip, Timeout: timeout}}.Namespace("ns")
	if _, err := ns.Nodes(t.Context()); err != nil {
		t.Fatal(err)
	}
	return ns
}

func (h *holder) hold(d time.Duration, id string) {
	time.Sleep(h.arrives)
	woken := make(chan struct{})
	h.mu.Lock()
	h.held = append(h.held, d)
	h.waiting[id] = woken
	h.mu.Unlock()
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-woken:
	case <-over.C:
	}
}

func (h *holder) wake(id string) *http.Response {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wakes++
	if h.refuses > 0 {
		return response(h.refuses, `{"detail":"Not Found"}`)
	}
	waiting, found := h.waiting[id]
	if found {
		close(waiting)
		delete(h.waiting, id)
	}
	return response(http.StatusOK, fmt.Sprintf(`{"woken":%v}`, found))
}

func TestClaimWaits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		wait     time.Duration
		stop     time.Duration // -1: none
		timeout  time.Duration
		deadline time.Duration
		arrives  time.Duration
		refuses  int
		held     time.Duration // as the state manager is asked
		took     time.Duration
		wakes    int
	}{
		{name: "not", stop: -1},
		{name: "as asked", wait: 20 * time.Second, stop: -1, held: 20 * time.Second, took: 20 * time.Second},
		{name: "half a minute at most", wait: time.Hour, stop: -1, held: 30 * time.Second, took: 30 * time.Second},
		{name: "rounded up", wait: time.Nanosecond, stop: -1, held: time.Millisecond, took: time.Millisecond},
		{name: "half of the client's time-out", wait: 20 * time.Second, stop: -1, timeout: 10 * time.Second, held: 5 * time.Second, took: 5 * time.Second},
		{name: "half of the context's time", wait: 20 * time.Second, stop: -1, deadline: 8 * time.Second, held: 4 * time.Second, took: 4 * time.Second},
		{name: "not stopped", wait: 20 * time.Second, stop: time.Hour, held: 20 * time.Second, took: 20 * time.Second},
		{name: "stopped", wait: 20 * time.Second, stop: 6 * time.Second, held: 20 * time.Second, took: 6 * time.Second, wakes: 1},
		{name: "stopped before", wait: 20 * time.Second},
		{name: "without a wait", stop: time.Hour},
		{
			// Attempts at 5, 25, 65, 145 and 305 ms.
			name: "stopped while under way", wait: 20 * time.Second, stop: 5 * time.Millisecond, arrives: 200 * time.Millisecond,
			held: 20 * time.Second, took: 305 * time.Millisecond, wakes: 5,
		},
		{name: "by one that knows no wake", wait: 20 * time.Second, stop: time.Second, refuses: 404, held: 20 * time.Second, took: 20 * time.Second, wakes: 1},
		{
			// Attempts at 1 s and then 20, 60, 140, … ms later, up to 19 s.
			name: "by one that is overloaded", wait: 20 * time.Second, stop: time.Second, refuses: 503,
			held: 20 * time.Second, took: 20 * time.Second, wakes: 10,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &holder{arrives: tt.arrives, refuses: tt.refuses}
				ns := h.namespace(t, tt.timeout)
				req := transport.ClaimRequest{Nodes: []string{"A"}, Max: 1, Wait: tt.wait}
				if tt.stop >= 0 {
					stop := make(chan struct{})
					req.Stop = stop
					if tt.stop == 0 {
						close(stop)
					} else {
						timer := time.AfterFunc(tt.stop, func() { close(stop) })
						defer timer.Stop()
					}
				}
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				start := time.Now()
				states, err := ns.Claim(ctx, req)
				if err != nil || len(states) != 0 {
					t.Errorf("%v, %v", states, err)
				}
				if took := time.Since(start); took != tt.took || h.wakes != tt.wakes || len(h.held) != 1 || h.held[0] != tt.held {
					t.Errorf("took %v, %d wakes, held %v", took, h.wakes, h.held)
				}
			})
		})
	}
}

func claim(t *testing.T, answer string) ([]transport.Claimed, error) {
	t.Helper()
	ns := roundTrip(func(*http.Request) (*http.Response, error) { return response(http.StatusOK, answer), nil }).namespace("ns")
	return ns.Claim(t.Context(), transport.ClaimRequest{Nodes: []string{"A", "B"}, Max: 2})
}

// All that was claimed is returned, also what was not asked for, and also if
// one of the states is not what it should be: nobody else will get it.
func TestClaimKeepsWhatIsClaimed(t *testing.T) {
	t.Parallel()
	object := transport.Object(`{}`)
	tests := []struct {
		name, answer string
		want         []transport.Claimed
	}{
		{"beyond the most", `{"states":[{"state_id":"1"},{"state_id":"2"},{"state_id":"3"}]}`, []transport.Claimed{{ID: "1"}, {ID: "2"}, {ID: "3"}}},
		{"of another node", `{"states":[{"state_id":"1","node_name":"C"}]}`, []transport.Claimed{{ID: "1", Node: "C"}}},
		{"inputs that are no object", `{"states":[{"state_id":"1","inputs":"x"},{"state_id":"2","inputs":{}}]}`, []transport.Claimed{{ID: "1", Inputs: transport.Object(`"x"`)}, {ID: "2", Inputs: object}}},
		{
			"members of another type", `{"states":[{"state_id":"1","node_name":5,"identifier":null,"inputs":{"a":[1,{"b":true}]},"created_at":17,"graph_name":{},"run_id":[],"attempt":"x","lease_ms":1.5,"lease_token":false},` +
				`{"state_id":"2","node_name":"A"}]}`,
			[]transport.Claimed{{ID: "1", Inputs: transport.Object(`{"a":[1,{"b":true}]}`)}, {ID: "2", Node: "A"}},
		},
		{"no ID, so lost", `{"states":[{"node_name":"A"},{"state_id":5},7,null,[],"x",{"state_id":"2"}]}`, []transport.Claimed{{ID: "2"}}},
		{"the last of members that occur twice", `{"states":[{"state_id":"1","state_id":"2"}]}`, []transport.Claimed{{ID: "2"}}},
		{"times that are none", `{"states":[{"state_id":"1","created_at":"yesterday"},{"state_id":"2","created_at":""}]}`, []transport.Claimed{{ID: "1"}, {ID: "2"}}},
		{"leases beyond bounds", `{"states":[{"state_id":"1","lease_ms":9223372036854775807},{"state_id":"2","lease_ms":99999999999999999999}]}`, []transport.Claimed{{ID: "1", Lease: 1<<63 - 1}, {ID: "2"}}},
		{"alike", `{"states":[{"state_id":"1","graph_name":"g","run_id":"r"},{"state_id":"2","graph_name":"g","run_id":"q"}]}`, []transport.Claimed{{ID: "1", Graph: "g", RunID: "r"}, {ID: "2", Graph: "g", RunID: "q"}}},
		{"escapes", `{"states":[{"state_id":"\u0031","node_name":"\u0041","identifier":"ü\"\\\ud83d\ude00"}]}`, []transport.Claimed{{ID: "1", Node: "A", Identifier: "ü\"\\😀"}}},
		{"white space", " {\n\"states\" : [ { \"state_id\" : \"1\" , \"inputs\" : { } } ] } \t", []transport.Claimed{{ID: "1", Inputs: transport.Object(`{ }`)}}},
	}
	for _, tt := range tests {
		got, err := claim(t, tt.answer)
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", tt.name, err, diff)
		}
	}
}

func TestClaimAnswersThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		``, `null`, `[]`, `{}`, `{"states":null}`, `{"states":{}}`, `{"states":"x"}`,
		`{"states":[{"state_id":"1"}`, `{"states":[{"state_id":"1"}]`, `{"states":[{"state_id":"1"}]}}`, `{"states":[{"state_id":"1"},]}`,
		`{"states":[{"state_id":"1","inputs":{"a":tru}}]}`, `{"states":[{"state_id":"1","inputs":{"a":01}}]}`, `{"states":[{"state_id":"\x"}]}`,
		`{"states":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`,
	} {
		got, err := claim(t, answer)
		var e *transport.Error
		if !errors.As(err, &e) || e.Op != "claim" || !e.Temporary() || got != nil {
			t.Errorf("%.60q: %v, %v", answer, got, err)
		}
	}
}

// Inputs must not be a part of a buffer that other calls use again.
func TestClaimedStatesKeepTheirInputs(t *testing.T) {
	t.Parallel()
	call := 0
	ns := roundTrip(func(*http.Request) (*http.Response, error) {
		call++
		return response(http.StatusOK, `{"states":[{"state_id":"`+strconv.Itoa(call)+`","inputs":{"n":"`+strings.Repeat(strconv.Itoa(call), 50)+`"}}]}`), nil
	}).namespace("ns")
	var all []transport.Claimed
	for range 9 {
		states, err := ns.Claim(t.Context(), transport.ClaimRequest{Nodes: []string{"A"}, Max: 1})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, states...)
	}
	for i, s := range all {
		n := strconv.Itoa(i + 1)
		if s.ID != n || string(s.Inputs) != `{"n":"`+strings.Repeat(n, 50)+`"}` {
			t.Errorf("state %s has the inputs %s", s.ID, s.Inputs)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	whole := time.Date(2026, 11, 23, 2, 6, 18, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-11-23T02:06:18.311409":       at,
		"2026-11-23T02:06:18.311409Z":      at,
		"2026-11-23T02:06:18.311409+00:00": at,
		"2026-11-23T04:36:18.311409+02:30": at,
		"2026-11-23T02:06:18":              whole,
		"2026-11-23T02:06:18Z":             whole,
		"2026-11-22T21:06:18-05:00":        whole,
		"2026-11-23":                       {},
		"2026-13-23T02:06:18":              {},
		"2026-11-23T02:06:18 UTC":          {},
	} {
		states, err := claim(t, `{"states":[{"state_id":"1","created_at":"`+text+`"}]}`)
		if err != nil || !states[0].CreatedAt.Equal(want) || states[0].CreatedAt.Location() != time.UTC {
			t.Errorf("%s: %v, %v, want %v", text, states, err, want)
		}
		ns := roundTrip(func(*http.Request) (*http.Response, error) {
			return response(http.StatusOK, `{"nodes":[{"created_at":"`+text+`","updated_at":null}]}`), nil
		}).namespace("ns")
		nodes, err := ns.Nodes(t.Context())
		if err != nil || !nodes[0].CreatedAt.Equal(want) || !nodes[0].UpdatedAt.IsZero() {
			t.Errorf("%s: %v, %v, want %v", text, nodes, err, want)
		}
	}
}
