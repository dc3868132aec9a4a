package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exospherehost/exo-go/exo/store"
)

func increment(v int, _ bool) (int, error) { return v + 1, nil }

func TestUpdate(t *testing.T) {
	t.Parallel()
	ctx, m := node(t, nil)
	words := store.NewKey[[]string]("words")
	for i, want := range []string{`["x"]`, `["x","x"]`} {
		got, err := words.Update(ctx, func(v []string, ok bool) ([]string, error) {
			if ok != (i > 0) || len(v) != i {
				t.Errorf("f is given %v, %v", v, ok)
			}
			return append(v, "x"), nil
		})
		if err != nil || len(got) != i+1 || m.values["words"] != want {
			t.Fatalf("Update = %v, %v; kept %s", got, err, m.values["words"])
		}
	}
}

// TestUpdateByMany counts in many branches at once: no count may be lost.
func TestUpdateByMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const nodes, times = 40, 5
		m := newMemory(nil)
		key := store.NewKey[int]("count")
		var wg sync.WaitGroup
		for range nodes {
			wg.Go(func() {
				ctx := store.NewContext(t.Context(), m, "s")
				for range times {
					if _, err := key.Update(ctx, increment); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if got := m.values["count"]; got != "200" {
			t.Errorf("count is %s, want 200", got)
		}
	})
}

// TestUpdateAgain lets another node write between reading and swapping.
func TestUpdateAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, m := node(t, map[string]string{"n": "1"})
		var seen []int
		got, err := store.NewKey[int]("n").Update(ctx, func(v int, _ bool) (int, error) {
			seen = append(seen, v)
			switch len(seen) {
			case 1:
				m.values["n"] = "10"
			case 2:
				delete(m.values, "n")
			case 3:
				m.values["n"] = "0" // is what the missing key reads as, but is there now
			}
			return v + 1, nil
		})
		if err != nil || got != 1 || m.values["n"] != "1" {
			t.Errorf("Update = %v, %v; kept %s", got, err, m.values["n"])
		}
		if len(seen) != 4 || seen[0] != 1 || seen[1] != 10 || seen[2] != 0 || seen[3] != 0 {
			t.Errorf("f was given %v", seen)
		}
	})
}

// TestUpdateWithoutEnd is stopped by its context alone.
func TestUpdateWithoutEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(nil)
		key := store.NewKey[int]("n")
		cause := errors.New("the lease is lost")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Hour, cause)
		defer cancel()
		ctx = store.NewContext(ctx, m, "s")
		begin := time.Now()
		attempts := 0
		v, err := key.Update(ctx, func(v int, _ bool) (int, error) {
			attempts++
			m.values["n"] = "-1" + strings.Repeat("0", attempts%2) // always another
			return v + 1, nil
		})
		if v != 0 || !errors.Is(err, cause) || !strings.HasPrefix(err.Error(), `store: update "n"`) {
			t.Errorf("Update = %v, %v", v, err)
		}
		if took := time.Since(begin); took != time.Hour {
			t.Errorf("took %v", took)
		}
		// At most a quarter of a second between attempts on average, and the
		// first ones are soon.
		if attempts < 3600*3 || attempts > 3600*8 {
			t.Errorf("%d attempts in an hour", attempts)
		}
	})
}

func TestUpdateEndsByError(t *testing.T) {
	t.Parallel()
	ctx, m := node(t, map[string]string{"n": "1"})
	key := store.NewKey[int]("n")
	wrong := errors.New("enough")
	if _, err := key.Update(ctx, func(int, bool) (int, error) { return 2, wrong }); !errors.Is(err, wrong) || err.Error() != "enough" {
		t.Errorf("Update = %v, want the error of f as it is", err)
	}
	lost := errors.New("connection lost")
	m.before = func(op string) {
		if op == "swap" {
			m.err = lost
		}
	}
	if v, err := key.Update(ctx, increment); v != 0 || !errors.Is(err, lost) || !strings.HasPrefix(err.Error(), `store: update "n"`) {
		t.Errorf("Update = %v, %v", v, err)
	}
	if m.values["n"] != "1" {
		t.Errorf("kept %s, want 1", m.values["n"])
	}
}
