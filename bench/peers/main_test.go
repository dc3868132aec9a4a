package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestServe(t *testing.T) {
	t.Parallel()
	measurements := map[string]measurement{
		"good": func(_ context.Context, n int) (map[string]float64, error) {
			return map[string]float64{"good: jobs": float64(n)}, nil
		},
		"bad": func(context.Context, int) (map[string]float64, error) { return nil, errors.New("no server") },
	}
	for _, c := range []struct{ in, out, err string }{
		{in: "", out: ""},
		{in: `{"measure":"good","n":3}`, out: `{"values":{"good: jobs":3}}`},
		{in: `{"measure":"bad","n":3}`, out: `{"error":"bad: no server"}`},
		{in: `{"measure":"good"}`, out: `{"error":"good: want at least one job, not 0"}`},
		{in: `{"measure":"other","n":1}`, out: `{"error":"there is no measurement \"other\""}`},
		{
			in:  `{"measure":"bad","n":1}` + "\n" + `{"measure":"good","n":1}`,
			out: `{"error":"bad: no server"}` + "\n" + `{"values":{"good: jobs":1}}`,
		},
		{in: `{"measure":`, err: "read a request"},
	} {
		var out bytes.Buffer
		err := serve(t.Context(), strings.NewReader(c.in), &out, measurements)
		if got := strings.TrimSpace(out.String()); got != c.out {
			t.Errorf("%s is answered by %s, want %s", c.in, got, c.out)
		}
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v, want %q", c.in, err, c.err)
		}
	}
}

// Without bench/peers/run there are no servers.
func TestWithoutServers(t *testing.T) {
	t.Setenv("PEERS_REDIS", "")
	t.Setenv("PEERS_POSTGRES", "")
	for name, m := range map[string]measurement{"asynq": asynqJobs, "river": riverJobs} {
		if _, err := m(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "use bench/peers/run") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, jobs := time.Now(), newCountdown(10)
		for range 10 {
			time.Sleep(time.Second / 2)
			jobs.one()
		}
		if got, err := jobs.rate(t.Context(), 10, start); got != 2 || err != nil {
			t.Errorf("%v jobs a second, %v; want 2", got, err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := newCountdown(1).rate(ended, 1, start); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

func TestPickUps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		started := make(chan time.Time, 1)
		jobs := 0
		add := func() error {
			jobs++
			took := time.Duration(jobs) * time.Millisecond
			time.AfterFunc(took, func() { started <- time.Now() })
			return nil
		}
		p50, p99, err := pickUps(t.Context(), 100, time.Second, add, started)
		if p50 != 51 || p99 != 100 || err != nil {
			t.Errorf("p50 %v, p99 %v, %v; want 51 and 100", p50, p99, err)
		}
		failed := errors.New("no more")
		if _, _, err := pickUps(t.Context(), 1, time.Second, func() error { return failed }, started); !errors.Is(err, failed) {
			t.Errorf("%v", err)
		}
	})
}
