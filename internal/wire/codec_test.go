package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type page struct {
	Exported
	URL    named  `json:"url"`
	Limit  string `json:"limit" jsonschema:"default=100"`
	Cursor string `json:"cursor,omitempty"`
	Note   hidden `json:"note,omitempty"`
	Skip   *int   `json:"-"`
}

func TestDecode(t *testing.T) {
	t.Parallel()
	c := compile[page](t)
	tests := []struct {
		name, raw string
		want      page
	}{
		{"all", `{"x":"1","url":"u","limit":"2","cursor":"c","note":"n"}`, page{Exported{"1"}, "u", "2", "c", "n", nil}},
		{"in another order", ` {"note":"n", "cursor":"c","url":"u","limit":"2","x":"1"} `, page{Exported{"1"}, "u", "2", "c", "n", nil}},
		{"defaults", `{"x":"1","url":"u"}`, page{Exported{"1"}, "u", "100", "", "", nil}},
		{"empty is not absent", `{"x":"","url":"","limit":""}`, page{}},
		{"null is absent", `{"x":"1","url":"u","limit":null,"cursor":null}`, page{Exported{"1"}, "u", "100", "", "", nil}},
		{"unknown members", `{"a":"b","x":"1","X":"no","-":[1],"Skip":3,"url":"u","z":{"url":7}}`, page{Exported{"1"}, "u", "100", "", "", nil}},
		{"the last counts", `{"x":"1","url":7,"x":"2","limit":"3","url":"u","limit":null}`, page{Exported{"2"}, "u", "100", "", "", nil}},
		{"escapes", `{"\u0078":"\"\u00e9\ud83d\ude00\n","\u0075rl":"\\","note":"\ud83d` + "\xff" + `"}`, page{Exported{"\"é😀\n"}, `\`, "100", "", "\ufffd\ufffd", nil}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := c.Decode([]byte(tt.raw))
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	c := compile[page](t)
	const hint = ", want a string (other values travel as text, see exo.Val)"
	tests := []struct{ name, raw, want string }{
		{"one missing", `{"x":"canary"}`, `missing required field "url"`},
		{"all missing", `{"canary":"canary"}`, `missing required fields ["x" "url"]`},
		{"null", `{"x":"canary","url":null}`, `missing required field "url"`},
		{"null last", `{"x":"canary","url":"canary","url":null}`, `missing required field "url"`},
		{"number", `{"x":7001,"url":"canary"}`, `field "x" is a number` + hint},
		{"all wrong", `{"x":true,"limit":["canary"],"cursor":{"canary":1},"note":-7001}`, `field "x" is a boolean` + hint +
			`; field "limit" is an array` + hint + `; field "cursor" is an object` + hint + `; field "note" is a number` + hint + `; missing required field "url"`},
		{"wrong last", `{"x":"canary","url":"canary","x":false}`, `field "x" is a boolean` + hint},
		{"top-level null", `null`, `want a JSON object, got null`},
		{"array", `["canary"]`, `want a JSON object, got an array`},
		{"nothing", ``, `want a JSON object, got nothing`},
		{"malformed", `{"x":"canary","url":canary}`, `malformed JSON at byte 20: want a value`},
		{"malformed where nothing is wanted", `{"x":"1","url":"u","other":[canary]}`, `malformed JSON at byte 28: want a value`},
		{"cut off", `{"x":"1","url":"u"`, `malformed JSON at byte 18: want a comma or the end of the object`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := c.Decode([]byte(tt.raw))
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %v", err, tt.want)
			}
			if got != (page{}) {
				t.Errorf("got %+v beside the error", got)
			}
			if strings.Contains(fmt.Sprint(err), "canary") || strings.Contains(fmt.Sprint(err), "7001") {
				t.Errorf("%q shows a value", err)
			}
		})
	}
}

func TestDecodeKeepsNothingOfItsArgument(t *testing.T) {
	t.Parallel()
	raw := []byte(`{"x":"one","url":"two\n"}`)
	got, err := compile[page](t).Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	clear(raw)
	if got.X != "one" || got.URL != "two\n" {
		t.Errorf("got %+v", got)
	}
}

func TestDecodeMap(t *testing.T) {
	t.Parallel()
	c := compile[page](t)
	got, err := c.DecodeMap(map[string]string{"x": "1", "url": "", "cursor": "c", "other": "z"})
	if want := (page{Exported{"1"}, "", "100", "c", "", nil}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	got, err = c.DecodeMap(map[string]string{"limit": "canary"})
	if err == nil || err.Error() != `missing required fields ["x" "url"]` || got != (page{}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := c.DecodeMap(nil); err == nil {
		t.Error("got no error")
	}
	// What the failed calls had set must not show up in a later one.
	got, err = c.DecodeMap(map[string]string{"x": "1", "url": "u", "limit": "2"})
	if want := (page{Exported{"1"}, "u", "2", "", "", nil}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	c := compile[page](t)
	tests := []struct {
		v    page
		want string
	}{
		{page{}, `{"x":"","url":"","limit":"","cursor":"","note":""}`},
		{page{Exported{"1"}, "é\"\n", "<3>", "", "plain", new(int)}, `{"x":"1","url":"é\"\n","limit":"<3>","cursor":"","note":"plain"}`},
	}
	for _, tt := range tests {
		if got := string(encode(t, c, tt.v)); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
		if got := string(appendTo(t, c, "[1,", tt.v)); got != "[1,"+tt.want {
			t.Errorf("got  %s\nwant [1,%s", got, tt.want)
		}
		var want map[string]string
		if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, toMap(t, c, tt.v)); d != "" {
			t.Error(d)
		}
	}
	type odd struct {
		A string `json:"<é/&"`
	}
	if got := string(encode(t, compile[odd](t), odd{"b"})); got != `{"<é/&":"b"}` {
		t.Errorf("got %s", got)
	}
}

func TestFill(t *testing.T) {
	t.Parallel()
	c := compile[page](t)
	got := c.Fill(func(name string) string { return "${{ step.outputs." + name + " }}" })
	want := page{Exported{"${{ step.outputs.x }}"}, "${{ step.outputs.url }}", "${{ step.outputs.limit }}", "${{ step.outputs.cursor }}", "${{ step.outputs.note }}", nil}
	if got != want {
		t.Errorf("got %+v", got)
	}
	// The function may use the codec, and may panic.
	if got := c.Fill(func(name string) string { return string(encode(t, c, page{Limit: name})) }); got.Cursor != `{"x":"","url":"","limit":"cursor","cursor":"","note":""}` {
		t.Errorf("got %+v", got)
	}
	func() {
		defer func() { _ = recover() }()
		c.Fill(func(name string) string {
			if name == "url" {
				panic("no")
			}
			return "left behind"
		})
	}()
	for range 3 {
		if got := toMap(t, c, page{}); got["x"] != "" {
			t.Errorf("got %v", got)
		}
	}
}

func TestNoFields(t *testing.T) {
	type none struct{}
	c := compile[none](t)
	if len(c.Fields()) != 0 || string(encode(t, c, none{})) != "{}" || string(appendTo(t, c, "", none{})) != "{}" || len(toMap(t, c, none{})) != 0 || toMap(t, c, none{}) == nil {
		t.Error("not an empty object")
	}
	if c.Fill(func(string) string { panic("called") }) != (none{}) {
		t.Error("filled")
	}
	raw, m := []byte(`{"a":"b"}`), map[string]string{"a": "b"}
	n := testing.AllocsPerRun(100, func() {
		if _, err := c.Decode(raw); err != nil {
			t.Error(err)
		}
		if _, err := c.DecodeMap(m); err != nil {
			t.Error(err)
		}
	})
	if n != 0 {
		t.Errorf("got %v allocations", n)
	}
}

// More fields than a machine word has bits, in names of several lengths.
func TestManyFields(t *testing.T) {
	t.Parallel()
	type fields = struct {
		A0, A1, A2, A3, A4, A5, A6, A7, A8, A9                               string
		B0, B1, B2, B3, B4, B5, B6, B7, B8, B9                               string
		C00, C01, C02, C03, C04, C05, C06, C07, C08, C09                     string
		D0, D1, D2, D3, D4, D5, D6, D7, D8, D9                               string
		E000, E001, E002, E003, E004, E005, E006, E007, E008, E009           string
		F0, F1, F2, F3, F4, F5, F6, F7, F8, F9                               string
		G0000, G0001, G0002, G0003, G0004, G0005, G0006, G0007, G0008, G0009 string
	}
	c := compile[fields](t)
	if len(c.Fields()) != 70 {
		t.Fatalf("got %d fields", len(c.Fields()))
	}
	want := c.Fill(func(name string) string { return "value of " + name })
	for _, v := range []any{want, toMap(t, c, want)} { // in the fields' order, and in that of their names
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Decode(raw)
		if err != nil || got != want {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	m := toMap(t, c, want)
	delete(m, "A0")
	delete(m, "E004")
	delete(m, "G0009")
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	const missing = `missing required fields ["A0" "E004" "G0009"]`
	if _, err := c.Decode(raw); err == nil || err.Error() != missing {
		t.Errorf("got %v", err)
	}
	if _, err := c.DecodeMap(m); err == nil || err.Error() != missing {
		t.Errorf("got %v", err)
	}
}

func TestDeepEmbedding(t *testing.T) {
	t.Parallel()
	type level4 struct{ A4, B4 string }
	type level3 struct {
		level4
		A3, B3 string
	}
	type level2 struct {
		level3
		A2, B2 string
	}
	type level1 struct {
		level2
		A1, B1 string
	}
	c := compile[level1](t)
	got := c.Fill(func(name string) string { return "value of " + name })
	for name, val := range map[string]string{"A4": got.A4, "B4": got.B4, "A3": got.A3, "B3": got.B3, "A2": got.A2, "B2": got.B2, "A1": got.A1, "B1": got.B1} {
		if val != "value of "+name {
			t.Errorf("%s is %q", name, val)
		}
	}
}

func TestCompileOnce(t *testing.T) {
	t.Parallel()
	if a, b := compile[page](t), compile[page](t); a != b {
		t.Error("one type, two codecs")
	}
}

// The frames that are not in use must hold nothing: it may have been a secret.
func TestFramesAreEmptied(t *testing.T) {
	type secrets struct {
		A hidden `json:"a"`
		B string `json:"b"`
	}
	c := compile[secrets](t)
	v := secrets{"canary", "canary\n"}
	encode(t, c, v)
	appendTo(t, c, "", v)
	toMap(t, c, v)
	c.Fill(func(string) string { return "canary" })
	for _, raw := range []string{`{"a":"canary","b":"canary\n"}`, `{"a":"canary","b":1}`, `{"a":"canary"}`, `{"a":"canary","b":canary}`} {
		_, err := c.Decode([]byte(raw))
		if want := raw == `{"a":"canary","b":"canary\n"}`; (err == nil) != want {
			t.Error(err)
		}
	}
	for _, m := range []map[string]string{{"a": "canary", "b": "canary"}, {"a": "canary"}} {
		if _, err := c.DecodeMap(m); (err == nil) != (len(m) == 2) {
			t.Error(err)
		}
	}
	if len(c.frames) == 0 {
		t.Fatal("no frames")
	}
	for _, f := range c.frames {
		if f.v != (secrets{}) || strings.Contains(string(f.buf[:cap(f.buf)]), "canary") {
			t.Errorf("left behind: %+v", f)
		}
	}
	encode(t, c, secrets{B: strings.Repeat("x", maxBuffer)})
	for _, f := range c.frames {
		if cap(f.buf) > maxBuffer {
			t.Errorf("a buffer of %d bytes is kept", cap(f.buf))
		}
	}
}

func TestAllocations(t *testing.T) {
	c := compile[mediumDoc](t)
	v, err := c.Decode(escapedRaw)
	if err != nil {
		t.Fatal(err)
	}
	m, buf := toMap(t, c, v), make([]byte, 0, 1024)
	decode := func(raw []byte) func() {
		return func() {
			if _, err := c.Decode(raw); err != nil {
				t.Error(err)
			}
		}
	}
	for name, tt := range map[string]struct {
		do   func()
		want float64
	}{
		"decode":              {decode(mediumRaw), 1},
		"decode with escapes": {decode(escapedRaw), 1},
		"decode map": {func() {
			if _, err := c.DecodeMap(m); err != nil {
				t.Error(err)
			}
		}, 0},
		"append": {func() { buf, _ = c.Append(buf[:0], v) }, 0},
		"encode": {func() { _, _ = c.Encode(v) }, 1},
	} {
		if got := testing.AllocsPerRun(100, tt.do); got > tt.want {
			t.Errorf("%s: got %v allocations, want %v", name, got, tt.want)
		}
	}
}

// Values must stay whole while the collector runs and many goroutines share the
// frames.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	type own page // with frames of its own
	c := compile[own](t)
	stop := make(chan struct{})
	var collector, workers sync.WaitGroup
	collector.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	})
	for w := range 8 {
		workers.Go(func() {
			var kept []own
			for i := range 500 {
				id := fmt.Sprintf("%d/%d", w, i)
				v, err := c.Decode(fmt.Appendf(nil, `{"x":"x%s","url":"u\n%s","cursor":"%s"}`, id, id, id))
				if err != nil {
					t.Error(err)
					return
				}
				again, err := c.DecodeMap(toMap(t, c, v))
				if err != nil || again != v {
					t.Errorf("got %+v, %v, want %+v", again, err, v)
				}
				back, err := c.Decode(encode(t, c, again))
				if err != nil || back != v {
					t.Errorf("got %+v, %v, want %+v", back, err, v)
				}
				kept = append(kept, back)
			}
			for i, v := range kept {
				id := fmt.Sprintf("%d/%d", w, i)
				if want := (own{Exported{"x" + id}, named("u\n" + id), "100", id, "", nil}); v != want {
					t.Errorf("got %+v, want %+v", v, want)
				}
			}
		})
	}
	workers.Wait()
	close(stop)
	collector.Wait()
}

// However many calls are under way at once, no frame is made for them, which is
// where reflection happens. Not parallel: it counts the frames of all codecs.
func TestFramesAreMadeByCompileAlone(t *testing.T) {
	type own page
	c := compile[own](t)
	made := framesMade.Load()
	for _, f := range c.frames {
		f.mu.Lock() // all in use: the calls pile up
	}
	var calls sync.WaitGroup
	for range 16 * len(c.frames) {
		calls.Go(func() {
			for range 50 {
				v, err := c.Decode([]byte(`{"x":"x","url":"u\n"}`))
				if err != nil {
					t.Error(err)
				}
				again, err := c.DecodeMap(toMap(t, c, v))
				if err != nil {
					t.Error(err)
				}
				if back, err := c.Decode(appendTo(t, c, "", again)); err != nil || back != v || string(encode(t, c, back)) == "" {
					t.Errorf("got %+v, %v, want %+v", back, err, v)
				}
				c.Fill(func(string) string { return "x" })
			}
		})
	}
	for _, f := range c.frames {
		f.mu.Unlock()
	}
	calls.Wait()
	if n := framesMade.Load() - made; n > 0 {
		t.Errorf("%d frames were made under load", n)
	}
}

// What is asked for the values of fields may panic, and use the codec itself.
func TestFillHoldsNoFrame(t *testing.T) {
	t.Parallel()
	type own page
	c := compile[own](t)
	for range 2 * len(c.frames) {
		func() {
			defer func() { _ = recover() }()
			c.Fill(func(string) string { panic("no value") })
		}()
	}
	if v := c.Fill(func(string) string { return string(encode(t, c, own{})) }); string(v.URL) != string(encode(t, c, own{})) {
		t.Errorf("got %+v", v)
	}
}

func TestCompileConcurrently(t *testing.T) {
	t.Parallel()
	type local struct{ A string }
	codecs := make([]*Codec[local], 8)
	var wg sync.WaitGroup
	for i := range codecs {
		wg.Go(func() {
			c, err := Compile[local]()
			if err != nil {
				t.Error(err)
				return
			}
			codecs[i] = c
		})
	}
	wg.Wait()
	for _, c := range codecs {
		if c != codecs[0] {
			t.Error("one type, two codecs")
		}
	}
}

// FuzzDecode holds Decode against encoding/json, for a struct without required
// fields, and against its own rules for one whose fields are all required.
func FuzzDecode(f *testing.F) {
	for _, raw := range []string{
		``, `null`, `[]`, `{}`, ` { "a" : "\ud83d\ude00" , "b":null,"c":"\u0000" } `, `{"a":"1","a":2,"a":"3"}`, `{"b":"x","b":null}`,
		`{"\u0061":"x","é":"y"}`, `{"a":["b",{"a":1}],"z":{}}`, `{"A":"x"}`, "{\"\xff\":\"\",\"\ufffd\":\"b\"}", `{"c":"\"` + "\xe2\x82" + `\\"}`, `{"a":"b"`,
	} {
		f.Add([]byte(raw))
	}
	type optional struct {
		A string `json:"a,omitempty"`
		B named  `json:"b,omitempty"`
		C hidden `json:"c,omitempty"`
		D string `json:"é,omitempty"`
		E string `json:"ef,omitempty"`
	}
	type required struct {
		A string `json:"a"`
		B named  `json:"b"`
		C hidden `json:"c"`
		D string `json:"é"`
		E string `json:"ef"`
	}
	opt, req := compile[optional](f), compile[required](f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		// The oracle: the last member of each name, by encoding/json.
		var members map[string]json.RawMessage
		err := json.Unmarshal(raw, &members)
		fit, complete := err == nil && members != nil, true
		want := make(map[string]string)
		for i, field := range opt.Fields() {
			want[field.Name] = ""
			member, ok := members[field.Name]
			if !ok || string(member) == "null" {
				complete = false
				continue
			}
			var s string
			if err := json.Unmarshal(member, &s); err != nil {
				fit = false
			}
			want[req.Fields()[i].Name] = s
		}

		got, err := opt.Decode(raw)
		if (err == nil) != fit {
			t.Fatalf("got %v, want fit=%v for %q", err, fit, raw)
		}
		all, reqErr := req.Decode(raw)
		if (reqErr == nil) != (fit && complete) {
			t.Fatalf("got %v, want fit=%v and complete=%v for %q", reqErr, fit, complete, raw)
		}
		if err != nil {
			if got != (optional{}) {
				t.Fatalf("got %+v beside %v", got, err)
			}
			return
		}
		if d := cmp.Diff(want, toMap(t, opt, got)); d != "" {
			t.Fatalf("%s for %q", d, raw)
		}
		if reqErr == nil && !reflect.DeepEqual(toMap(t, req, all), toMap(t, opt, got)) {
			t.Fatalf("got %v and %v for %q", all, got, raw)
		}
		if back, err := opt.Decode(encode(t, opt, got)); err != nil || back != got {
			t.Fatalf("got %+v, %v, want %+v", back, err, got)
		}
	})
}

// encode is Encode for values that have a text.
func encode[T any](tb testing.TB, c *Codec[T], v T) []byte {
	tb.Helper()
	raw, err := c.Encode(v)
	if err != nil {
		tb.Error(err)
	}
	return raw
}

// appendTo is Append for values that have a text.
func appendTo[T any](tb testing.TB, c *Codec[T], dst string, v T) []byte {
	tb.Helper()
	raw, err := c.Append([]byte(dst), v)
	if err != nil {
		tb.Error(err)
	}
	return raw
}

// toMap is Map for values that have a text.
func toMap[T any](tb testing.TB, c *Codec[T], v T) map[string]string {
	tb.Helper()
	m, err := c.Map(v)
	if err != nil {
		tb.Error(err)
	}
	return m
}
