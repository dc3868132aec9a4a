package transport_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/google/go-cmp/cmp"
)

// abilities are the calls that only some state managers know.
func abilities() map[transport.Extension][]func(context.Context, transport.Transport) error {
	type (
		ctx = context.Context
		tr  = transport.Transport
	)
	return map[transport.Extension][]func(ctx, tr) error{
		transport.ExtensionLease: {func(ctx ctx, t tr) error {
			return errOf(t.(transport.Heartbeater).Heartbeat(ctx, map[string]string{"s": "t"}, time.Second))
		}},
		transport.ExtensionStore: {
			func(ctx ctx, t tr) error { return errOf(t.(transport.StoreBackend).StoreAll(ctx, "s")) },
			func(ctx ctx, t tr) error { _, _, err := t.(transport.StoreBackend).StoreGet(ctx, "s", "k"); return err },
			func(ctx ctx, t tr) error { return t.(transport.StoreBackend).StoreSet(ctx, "s", "k", "v") },
			func(ctx ctx, t tr) error {
				return errOf(t.(transport.StoreBackend).StoreSwap(ctx, "s", "k", nil, "v"))
			},
			func(ctx ctx, t tr) error { return t.(transport.StoreBackend).StoreDelete(ctx, "s", "k") },
		},
		transport.ExtensionRun: {func(ctx ctx, t tr) error {
			_, _, err := t.(transport.RunReader).Run(ctx, "r", time.Second)
			return err
		}},
		transport.ExtensionCancel: {func(ctx ctx, t tr) error { return t.(transport.Canceler).CancelRun(ctx, "r") }},
	}
}

// speaks answers like a state manager with these extensions ("-": none).
func speaks(extensions, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if extensions != "-" {
			w.Header().Set("x-exosphere-extensions", extensions)
		}
		_, _ = io.WriteString(w, body)
	}
}

const anyAnswer = `{"states":[],"nodes":[],"status":"EXECUTED","lost":[],"store":{},"value":"v","run_id":"r","results":[{"status":"EXECUTED"},{"status":"EXECUTED"}]}`

func TestAbilitiesThatAreMissingSaySo(t *testing.T) {
	t.Parallel()
	p := newPeer(t, speaks("-", anyAnswer))
	for ext, calls := range abilities() {
		for _, call := range calls {
			ns := p.namespace("ns")
			for range 2 {
				err := call(t.Context(), ns)
				var e *transport.Error
				if !errors.Is(err, transport.ErrUnsupported) || !errors.As(err, &e) || e.Temporary() ||
					!strings.Contains(err.Error(), `"`+string(ext)+`"`) || !strings.Contains(err.Error(), p.URL) || !strings.Contains(err.Error(), "use one that has it") {
					t.Errorf("%s: %v", ext, err)
				}
			}
			requests := p.seen()
			if len(requests) != 1 || requests[0].Method != http.MethodGet || requests[0].URI != "/health" || requests[0].Header.Get("x-api-key") != "" {
				t.Errorf("%s: sent %v, want one question for health, without the key", ext, requests)
			}
		}
	}
}

func TestAbilitiesAreFoundByAskingOnce(t *testing.T) {
	t.Parallel()
	for ext, calls := range abilities() {
		p := newPeer(t, speaks(string(ext), anyAnswer))
		ns := p.namespace("ns")
		for _, call := range calls {
			if err := call(t.Context(), ns); err != nil {
				t.Errorf("%s: %v", ext, err)
			}
		}
		if requests := p.seen(); len(requests) != len(calls)+1 || requests[0].URI != "/health" {
			t.Errorf("%s: sent %v", ext, requests)
		}
	}
}

// While it cannot be asked, nobody knows: that is not a lack.
func TestAbilitiesOfAStateManagerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	err := p.namespace("ns").(transport.Canceler).CancelRun(t.Context(), "r")
	var e *transport.Error
	if !errors.As(err, &e) || e.Op != "cancel run" || e.Status != http.StatusBadGateway || !e.Temporary() {
		t.Errorf("%v", err)
	}
}

func TestExtensions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		header string
		want   []transport.Extension
	}{
		{"-", nil},
		{"", nil},
		{" wait ,, lease,wait,\tteleport ", []transport.Extension{transport.ExtensionWait, transport.ExtensionLease, "teleport"}},
	}
	for _, tt := range tests {
		p := newPeer(t, speaks(tt.header, `{"message":"OK"}`))
		ns := p.namespace("ns").(transport.Extender)
		for range 2 {
			got, err := ns.Extensions(t.Context())
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%q: %v\n%s", tt.header, err, diff)
			}
		}
		if r := p.seen(); len(r) != 1 {
			t.Errorf("asked %d times", len(r))
		}
	}
}

func TestHeaderOfSeveralLines(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["X-Exosphere-Extensions"] = []string{"wait", "lease, run"}
		_, _ = io.WriteString(w, `{"nodes":[]}`)
	})
	ns := p.namespace("ns")
	if _, err := ns.Nodes(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := ns.(transport.Extender).Extensions(t.Context())
	if diff := cmp.Diff([]transport.Extension{"wait", "lease", "run"}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if r := p.seen(); len(r) != 1 {
		t.Errorf("asked although it knew: %v", r)
	}
}

// What is sent changes with what the last answers said.
func TestExtensionsAreLearntAndForgotten(t *testing.T) {
	t.Parallel()
	p := newPeer(t, nil)
	ns := p.namespace("ns")
	claim := func() string {
		_, _ = ns.Claim(t.Context(), transport.ClaimRequest{Nodes: []string{"A"}, Max: 1, Wait: time.Second, Lease: time.Second})
		return p.seen()[0].Body
	}
	const plain, full = `{"nodes":["A"],"batch_size":1}`, `{"nodes":["A"],"batch_size":1,"wait_ms":1000,"lease_ms":1000}`
	steps := []struct {
		name   string
		answer http.HandlerFunc
		sent   string // before that answer is known
	}{
		{"nothing heard", speaks("wait, lease", anyAnswer), plain},
		{"heard", speaks("wait, lease", anyAnswer), full},
		{"only one", speaks("lease", anyAnswer), full},
		{"has only one", replies(http.StatusOK, anyAnswer), `{"nodes":["A"],"batch_size":1,"lease_ms":1000}`},
		{"a proxy says nothing of it", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, full},
		{"nor does its garbage", speaks("-", "<html>"), full},
		{"nor its refusals", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "log in", http.StatusForbidden) }, full},
		{"another server", speaks("-", anyAnswer), full},
		{"without any", replies(http.StatusConflict, `{"detail":"also in an error"}`), plain},
		{"with them again", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"detail":"Invalid API key"}`)
		}, full},
		{"a refusal says nothing", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"detail":"Not Found"}`)
		}, full},
		{"an unknown path does", speaks("-", anyAnswer), plain},
	}
	for _, s := range steps {
		p.answer = s.answer
		if got := claim(); got != s.sent {
			t.Errorf("%s: sent %s, want %s", s.name, got, s.sent)
		}
	}
}

func TestPermanentIsSentOnlyWhereItIsKnown(t *testing.T) {
	t.Parallel()
	p := newPeer(t, speaks("-", anyAnswer))
	if _, err := report(t.Context(), p.namespace("ns"), transport.Report{StateID: "s", Outcome: transport.Errored{Message: "m", Permanent: true}}); err != nil {
		t.Fatal(err)
	}
	if got := p.seen()[0].Body; got != `{"error":"m"}` {
		t.Errorf("sent %s", got)
	}
}

// A state manager may be replaced by an older one between two calls.
func TestAbilityLostMeanwhile(t *testing.T) {
	t.Parallel()
	for ext, calls := range abilities() {
		for _, call := range calls {
			p := newPeer(t, speaks(string(ext), anyAnswer))
			ns := p.namespace("ns")
			if err := call(t.Context(), ns); err != nil {
				t.Fatal(err)
			}
			p.answer = func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusNotFound)
				_, _ = io.WriteString(w, `{"detail":"Not Found"}`)
			}
			if err := call(t.Context(), ns); !errors.Is(err, transport.ErrUnsupported) {
				t.Errorf("%s: %v", ext, err)
			}
		}
	}
}

// Not found, by a state manager that has the ability, is about the thing.
func TestAbilityOnNothing(t *testing.T) {
	t.Parallel()
	for ext, calls := range abilities() {
		p := newPeer(t, replies(http.StatusNotFound, `{"detail":"State not found"}`))
		ns := p.namespace("ns")
		_, _ = ns.Nodes(t.Context())
		for i, call := range calls {
			if err := call(t.Context(), ns); !errors.Is(err, transport.ErrNotFound) {
				t.Errorf("%s %d: %v", ext, i, err)
			}
		}
	}
}

func TestCancelTriggersWhereThatIsUnknown(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{404: `{"detail":"Not Found"}`, 405: `{"detail":"Method Not Allowed"}`} {
		p := newPeer(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
		_, err := p.namespace("ns").(transport.TriggerCanceler).CancelTriggers(t.Context(), "g")
		if !errors.Is(err, transport.ErrUnsupported) || !strings.Contains(err.Error(), "write the graph again") {
			t.Errorf("%d: %v", status, err)
		}
	}
	p := newPeer(t, replies(http.StatusNotFound, `{"detail":"Graph template g not found in namespace ns"}`))
	if _, err := p.namespace("ns").(transport.TriggerCanceler).CancelTriggers(t.Context(), "g"); !errors.Is(err, transport.ErrNotFound) {
		t.Error(err)
	}
}

func TestExtensionsAreTheCallersToChange(t *testing.T) {
	t.Parallel()
	p := newPeer(t, speaks("wait, lease", anyAnswer))
	ns := p.namespace("ns").(transport.Extender)
	first, err := ns.Extensions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	clear(first)
	second, err := ns.Extensions(t.Context())
	if err != nil || !slices.Equal(second, []transport.Extension{"wait", "lease"}) {
		t.Error(second, err)
	}
}
