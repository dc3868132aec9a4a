package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/store"
	"github.com/exospherehost/exo-go/exo/transport"
)

type (
	color string
	level int
	page  struct {
		URL  string `json:"url"`
		Size int    `json:"size"`
	}
)

// fickle is a string in JSON when it is not negative, and else nothing.
type fickle int

func (f fickle) MarshalJSON() ([]byte, error) {
	if f < 0 {
		return nil, errors.New("is negative")
	}
	return []byte(`"` + strings.Repeat("I", int(f)) + `"`), nil
}

// secret is like exo.Secret.
type secret string

func (s secret) Reveal() string { return string(s) }

// TestForms writes values and reads them back, and looks at what is kept.
func TestForms(t *testing.T) {
	t.Parallel()
	kept(t, "plain", "plain")
	kept(t, "", "")
	kept(t, `"quoted" \ <&> `+"\n\x00ü", `"quoted" \ <&> `+"\n\x00ü")
	kept(t, "\xff is no UTF-8", "\xff is no UTF-8")
	kept(t, color("red"), "red")
	kept(t, color(`"quoted" <&> ü`), `"quoted" <&> ü`)
	kept(t, color(""), "")
	kept(t, time.Date(2024, time.May, 5, 10, 0, 0, 0, time.UTC), "2024-05-05T10:00:00Z")
	kept(t, 42, "42")
	kept(t, level(-7), "-7")
	kept(t, math.MaxInt64, "9223372036854775807")
	kept(t, 0.5, "0.5")
	kept(t, true, "true")
	kept(t, 90*time.Second, "1m30s")
	kept(t, 1e21, "1e+21")
	kept(t, page{URL: "http://example.com/?a=1&b=2", Size: 3}, `{"url":"http://example.com/?a=1&b=2","size":3}`)
	kept(t, []string{"a", "b"}, `["a","b"]`)
	kept(t, map[string]int{"a": 1}, `{"a":1}`)
	kept(t, []byte("bytes"), `"Ynl0ZXM="`)
	kept(t, json.RawMessage(`{"a":[1]}`), `{"a":[1]}`)
	kept[any](t, "text", `"text"`)
	kept[any](t, 1.5, "1.5")
	kept[any](t, nil, "null")
	kept[*string](t, nil, "null")
	kept(t, new(string), `""`)
	kept(t, json.Number("12.30"), "12.30")
	kept(t, netip.MustParseAddr("::1"), "::1", cmp.Comparer(func(a, b netip.Addr) bool { return a == b }))
}

func kept[T any](t *testing.T, v T, text string, opts ...cmp.Option) {
	t.Helper()
	key := store.NewKey[T]("key")
	ctx, m := node(t, nil)
	if err := key.Set(ctx, v); err != nil {
		t.Errorf("Set(%#v): %v", v, err)
		return
	}
	if got := m.values["key"]; got != text {
		t.Errorf("%#v is kept as %q, want %q", v, got, text)
	}
	got, ok, err := key.Get(ctx)
	if err != nil || !ok {
		t.Errorf("Get = %v, %v, %v", got, ok, err)
	}
	if diff := cmp.Diff(v, got, opts...); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestGetWithoutValue(t *testing.T) {
	t.Parallel()
	ctx, m := node(t, map[string]string{"other": "1"})
	v, ok, err := store.NewKey[int]("missing").Get(ctx)
	if v != 0 || ok || err != nil {
		t.Errorf("Get = %v, %v, %v", v, ok, err)
	}
	if m.states["state-1"] != 1 {
		t.Errorf("calls by state: %v", m.states)
	}
}

func TestGetOfAnotherType(t *testing.T) {
	t.Parallel()
	ctx, _ := node(t, map[string]string{"n": "s3cret text", "empty": ""})
	for _, name := range []string{"n", "empty"} {
		v, ok, err := store.NewKey[page](name).Get(ctx)
		if v != (page{}) || ok || err == nil {
			t.Fatalf("%s: Get = %v, %v, %v", name, v, ok, err)
		}
		for _, want := range []string{"store: get", `"` + name + `"`, "store_test.page"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v: want %q in it", err, want)
			}
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v: shows the value", err)
		}
	}
}

func TestSetWhatCannotBeEncoded(t *testing.T) {
	t.Parallel()
	ctx, m := node(t, nil)
	if err := store.NewKey[float64]("f").Set(ctx, math.NaN()); err == nil || !strings.Contains(err.Error(), `store: set "f"`) {
		t.Errorf("NaN: %v", err)
	}
	key := store.NewKey[fickle]("fickle")
	if err := key.Set(ctx, 3); err != nil || m.values["fickle"] != `"III"` {
		t.Errorf("fickle: %v, kept %q", err, m.values["fickle"])
	}
	if err := key.Set(ctx, -1); err == nil || !strings.Contains(err.Error(), "is negative") {
		t.Errorf("fickle: %v", err)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	ctx, m := node(t, map[string]string{"k": "1", "other": "2"})
	key := store.NewKey[int]("k")
	for range 2 {
		if err := key.Delete(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(map[string]string{"other": "2"}, m.values); diff != "" {
		t.Error(diff)
	}
}

func TestItems(t *testing.T) {
	t.Parallel()
	ctx, m := node(t, map[string]string{"found": "7", "foundation/x": "8", "found/a": "1"})
	found := store.NewKey[int]("found")
	for item, n := range map[string]int{"b": 2, "c/d": 3, "page.html": 4, "a b": 5, "…": 6} {
		if err := found.At(item).Set(ctx, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := found.At("c").At("e").Set(ctx, 9); err != nil {
		t.Fatal(err)
	}
	got, err := found.All(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"a": 1, "b": 2, "c/d": 3, "c/e": 9, "page.html": 4, "a b": 5, "…": 6}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("All (-want +got):\n%s", diff)
	}
	if got, err = found.At("c").All(ctx); err != nil || !maps.Equal(got, map[string]int{"d": 3, "e": 9}) {
		t.Errorf("All below an item = %v, %v", got, err)
	}
	if got, err = store.NewKey[int]("none").All(ctx); err != nil || got == nil || len(got) != 0 {
		t.Errorf("All of none = %#v, %v", got, err)
	}

	m.values["found/bad"] = "x"
	if _, err := found.All(ctx); err == nil || !strings.Contains(err.Error(), `"found/bad"`) {
		t.Errorf("All with a value of another type: %v", err)
	}
}

// TestItemNames: what cannot be an item is an error of each method, and nothing
// is asked of the state manager.
func TestItemNames(t *testing.T) {
	t.Parallel()
	for _, item := range []string{"", " a", "a\n", "/", "a/", "/a", "a//b", ".", "..", "../a", "a/./b"} {
		ctx, m := node(t, nil)
		for op, err := range calls(ctx, store.NewKey[int]("k").At(item)) {
			if err == nil || !strings.Contains(err.Error(), "item ") {
				t.Errorf("%s of item %q: %v", op, item, err)
			}
		}
		if len(m.states) > 0 {
			t.Errorf("item %q: %v", item, m.states)
		}
	}
	ctx, _ := node(t, nil)
	if err := store.NewKey[int]("k").At("..").At("a").Set(ctx, 1); err == nil {
		t.Error("an item below a bad item can be written")
	}
}

func TestNewKeyPanics(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"":       "empty",
		" k":     "white space",
		"k\t":    "white space",
		" ":      "white space",
		"a.b":    "dot",
		"a/b":    "At",
		"ok, so": "",
	} {
		checkPanic(t, name, want, func() { store.NewKey[string](name) })
	}
	checkPanic(t, "channel", "cannot travel", func() { store.NewKey[chan int]("k") })
	checkPanic(t, "secret", "does not belong in the store", func() { store.NewKey[secret]("k") })
	checkPanic(t, "*secret", "does not belong in the store", func() { store.NewKey[*secret]("k") })
}

// checkPanic checks that f panics with an error that says want; "": does not.
func checkPanic(t *testing.T, name, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		got := recover()
		if want == "" {
			if got != nil {
				t.Errorf("%q: panics: %v", name, got)
			}
			return
		}
		err, ok := got.(error)
		if !ok || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "store: key ") {
			t.Errorf("%q: panics with %v, want %q in it", name, got, want)
		}
	}()
	f()
}

// calls is what each method of a key returns.
func calls(ctx context.Context, key store.Key[int]) map[string]error {
	_, _, get := key.Get(ctx)
	_, all := key.All(ctx)
	_, update := key.Update(ctx, func(v int, _ bool) (int, error) { return v, nil })
	return map[string]error{
		"get": get, "set": key.Set(ctx, 1), "delete": key.Delete(ctx), "get all below": all, "update": update,
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	key := store.NewKey[int]("k")
	refused := &transport.Error{Op: "store", Status: 404, Message: "State not found"}
	unsupported := &transport.Error{Op: "store", Status: 501, Message: "lacks it"}
	failing := func(err error) context.Context {
		ctx, m := node(t, nil)
		m.err = err
		return ctx
	}
	for name, tt := range map[string]struct {
		ctx  context.Context
		key  store.Key[int]
		is   error
		says string
	}{
		"outside a node":         {t.Context(), key, store.ErrNoRun, "the context"},
		"nil backend":            {store.NewContext(t.Context(), nil, "s"), key, transport.ErrUnsupported, "placeholders"},
		"unsupported by backend": {failing(unsupported), key, transport.ErrUnsupported, "placeholders"},
		"refused":                {failing(refused), key, transport.ErrNotFound, "State not found"},
		"context ended":          {failing(context.Canceled), key, context.Canceled, "canceled"},
		"zero key":               {failing(nil), store.Key[int]{}, nil, "use NewKey"},
		"item of the zero key":   {failing(nil), store.Key[int]{}.At("a"), nil, "use NewKey"},
	} {
		for op, err := range calls(tt.ctx, tt.key) {
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%s: %s: %v", name, op, err)
				continue
			}
			if !strings.HasPrefix(err.Error(), "store: "+op+" ") || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: %s: %v, want %q in it", name, op, err, tt.says)
			}
			if hint := strings.Contains(err.Error(), "exo serve"); hint != errors.Is(err, transport.ErrUnsupported) {
				t.Errorf("%s: %s: %v: says what to do instead: %v", name, op, err, hint)
			}
		}
	}
}
