package transport

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"runtime/debug"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMillis(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]int64{
		0: 0, 1: 1, time.Millisecond: 1, time.Millisecond + 1: 2, time.Second: 1000,
		-1: 0, -time.Millisecond: -1, -time.Millisecond - 1: -1, math.MaxInt64: math.MaxInt64/1_000_000 + 1,
	} {
		if got := millis(d); got != want {
			t.Errorf("millis(%d) = %d, want %d", d, got, want)
		}
	}
	for ms, want := range map[int64]time.Duration{
		0: 0, 1: time.Millisecond, -1: -time.Millisecond, math.MaxInt64: math.MaxInt64, math.MinInt64: math.MinInt64,
		math.MaxInt64 / 1_000_000: math.MaxInt64 / 1_000_000 * 1_000_000, math.MaxInt64/1_000_000 + 1: math.MaxInt64,
	} {
		if got := fromMillis(ms); got != want {
			t.Errorf("fromMillis(%d) = %d, want %d", ms, got, want)
		}
	}
}

func TestModuleVersion(t *testing.T) {
	t.Parallel()
	own := func(version string) debug.Module { return debug.Module{Path: modulePath, Version: version} }
	dependency, replaced := own("v1.2.3"), own("v1.2.3")
	replaced.Replace = &debug.Module{Path: "../exo-go"}
	tests := []struct {
		info *debug.BuildInfo
		want string
	}{
		{nil, "unknown"},
		{&debug.BuildInfo{Main: own("(devel)")}, "devel"},
		{&debug.BuildInfo{Main: own("v1.0.0")}, "v1.0.0"},
		{&debug.BuildInfo{Main: debug.Module{Path: "example.com/app", Version: "v9.9.9"}, Deps: []*debug.Module{&dependency}}, "v1.2.3"},
		{&debug.BuildInfo{Deps: []*debug.Module{&replaced}}, "devel"},
		{&debug.BuildInfo{}, "devel"},
	}
	for _, tt := range tests {
		if got := moduleVersion(tt.info); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.info, got, tt.want)
		}
	}
}

func TestPayload(t *testing.T) {
	t.Parallel()
	p := newPayload()
	p.set(append(p.bytes(), "a body"...))
	first, err := p.reader()
	if err != nil {
		t.Fatal(err)
	}
	second, err := p.reader()
	if err != nil {
		t.Fatal(err)
	}
	half := make([]byte, 3)
	if n, err := first.Read(half); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	p.release() // the call is over, but net/http still reads
	if rest, err := io.ReadAll(first); err != nil || string(half)+string(rest) != "a body" {
		t.Errorf("%s, %v", rest, err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if err := first.Close(); err != nil { // closing twice lets go once
		t.Error(err)
	}
	if n, err := first.Read(half); n != 0 || err == nil {
		t.Errorf("read %d bytes of a closed body, %v", n, err)
	}
	if all, err := io.ReadAll(second); err != nil || string(all) != "a body" {
		t.Errorf("%s, %v", all, err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if _, err := p.reader(); err == nil {
		t.Error("opened a body that is gone")
	}
	(*payload)(nil).release()
}

func TestBuffersGoBackEmpty(t *testing.T) {
	t.Parallel()
	b := getBuffer()
	*b = append(*b, "secret"...)
	inside := (*b)[:6]
	putBuffer(b)
	if !bytes.Equal(inside, make([]byte, 6)) {
		t.Errorf("a buffer went back with %q", inside)
	}
}

// decodeClaim must read what encoding/json reads.
func FuzzDecodeClaim(f *testing.F) {
	for _, text := range []string{
		``, ` `, `null`, `[]`, `{}`, `{}x`, `{"states":[1,]}`, `{"states":[{"state_id":"s","attempt":01}]}`,
		`{"states":[]}`, `{"states":null}`, `{"states":[{"state_id":"s","node_name":"A","inputs":{"a":"b"},"created_at":"2026-11-23T02:06:18.311409"}]}`,
		`{"states":[{"state_id":"s","attempt":2,"lease_ms":5,"lease_token":"t","run_id":"r","graph_name":"g","identifier":"i"},{"state_id":"t","run_id":"r"}]}`,
		`{"states":[{"state_id":5},{"state_id":"a","attempt":"x"}],"states":[]}`, `{"states":[{"state_id":"\u0073","inputs":"\ud800"}]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := decodeClaim(raw, []string{"A", "B"})
		want, wantErr := slowDecodeClaim(raw)
		if (err != nil) != (wantErr != nil) || !cmp.Equal(got, want) {
			t.Fatalf("%q: %v, %v, want %v, %v", raw, got, err, want, wantErr)
		}
	})
}

// slowDecodeClaim is decodeClaim by encoding/json.
func slowDecodeClaim(raw []byte) ([]Claimed, error) {
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, err
	}
	var elements []json.RawMessage
	if json.Unmarshal(answer["states"], &elements) != nil || elements == nil {
		return nil, errNoStates
	}
	states := []Claimed{}
	for _, element := range elements {
		var m map[string]json.RawMessage
		if json.Unmarshal(element, &m) != nil {
			continue
		}
		str := func(name string) (s string) {
			_ = json.Unmarshal(m[name], &s)
			return s
		}
		num := func(name string) (n int64) {
			_ = json.Unmarshal(m[name], &n)
			return n
		}
		s := Claimed{
			ID: str("state_id"), Node: str("node_name"), Identifier: str("identifier"), Inputs: m["inputs"], CreatedAt: parseTime(str("created_at")),
			Graph: str("graph_name"), RunID: str("run_id"), Attempt: int(num("attempt")), Lease: fromMillis(num("lease_ms")), Token: str("lease_token"),
		}
		if s.ID != "" {
			states = append(states, s)
		}
	}
	return states, nil
}
