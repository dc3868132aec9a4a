package wire

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type (
	whole int16
	flag  bool
	share float32
	point struct {
		X int    `json:"x"`
		Y string `json:"y,omitempty"`
	}
)

type one[T any] struct {
	V carrying[T] `json:"v"`
}

// A kind is one row of the table of what travels.
func travels[T any](t *testing.T, v T, text string, opts ...cmp.Option) {
	t.Helper()
	c := compile[one[T]](t)
	want, err := json.Marshal(map[string]string{"v": text})
	if err != nil {
		t.Fatal(err)
	}
	in := one[T]{carrying[T]{v, Given[T]()}}
	var got, sent map[string]string
	if err := errors.Join(json.Unmarshal(encode(t, c, in), &got), json.Unmarshal(want, &sent)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(sent, got); d != "" {
		t.Errorf("%T: %s", v, d)
	}
	back, err := c.Decode(want)
	if err != nil {
		t.Errorf("%T: %v", v, err)
	}
	if d := cmp.Diff(v, back.V.V, opts...); d != "" {
		t.Errorf("%T: %s", v, d)
	}
	if m := toMap(t, c, in); m["v"] != text {
		t.Errorf("%T: %q, want %q", v, m["v"], text)
	}
	if again, err := c.DecodeMap(map[string]string{"v": text}); err != nil || !Equal(again.V.V, v) {
		t.Errorf("%T: %v, %v", v, again.V.V, err)
	}
	plain, err := TextOf[T]()
	if err != nil {
		t.Fatal(err)
	}
	if s, err := plain.Format(v); s != text || err != nil {
		t.Errorf("%T: %q, %v", v, s, err)
	}
	if w, err := plain.Parse(text); err != nil || !Equal(w, v) {
		t.Errorf("%T: %v, %v", v, w, err)
	}
	// A list of what the state manager collects.
	texts, err := json.Marshal([]string{text})
	if err != nil {
		t.Fatal(err)
	}
	lists := []string{string(texts)}
	if isJSON, _ := Content[T](); isJSON {
		lists = append(lists, "["+text+"]")
	}
	for _, collected := range lists {
		all, err := compile[one[[]T]](t).DecodeMap(map[string]string{"v": collected})
		if err != nil || len(all.V.V) != 1 {
			if text == "" || strings.HasPrefix(text, `"`) || text == "null" {
				continue // what an element of any, or a pointer, cannot tell from text
			}
			t.Errorf("%T: collected %s: %v, %v", v, collected, all.V.V, err)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	travels(t, 42, "42")
	travels(t, int8(-128), "-128")
	travels(t, int16(7), "7")
	travels(t, int32(-7), "-7")
	travels(t, int64(math.MinInt64), "-9223372036854775808")
	travels(t, uint(1), "1")
	travels(t, uint8(255), "255")
	travels(t, uint16(2), "2")
	travels(t, uint32(3), "3")
	travels(t, uint64(math.MaxUint64), "18446744073709551615")
	travels(t, uintptr(4), "4")
	travels(t, whole(-3), "-3")
	travels(t, 0.5, "0.5")
	travels(t, 1e21, "1e+21")
	travels(t, 1e-9, "1e-9")
	travels(t, float32(0.1), "0.1")
	travels(t, share(2.5), "2.5")
	travels(t, true, "true")
	travels(t, flag(false), "false")
	travels(t, "a \"b\" ü\n", "a \"b\" ü\n")
	travels(t, named("n"), "n")
	travels(t, json.Number("12.30"), "12.30")
	travels(t, 90*time.Second, "1m30s")
	travels(t, time.Date(2024, 5, 5, 10, 0, 0, 0, time.UTC), "2024-05-05T10:00:00Z")
	travels(t, netip.MustParseAddr("::1"), "::1", cmp.Comparer(func(a, b netip.Addr) bool { return a == b }))
	travels(t, *big.NewInt(99), "99", cmp.Comparer(func(a, b big.Int) bool { return a.Cmp(&b) == 0 }))
	travels(t, []string{"a", "<b>"}, `["a","<b>"]`)
	travels(t, []int(nil), "null")
	travels(t, map[string]int{"a": 1}, `{"a":1}`)
	travels(t, point{1, "z"}, `{"x":1,"y":"z"}`)
	travels(t, []byte("bytes"), `"Ynl0ZXM="`)
	travels(t, json.RawMessage(`{"a":[1]}`), `{"a":[1]}`)
	travels(t, new(int), "0")
	travels[*point](t, nil, "null")
	travels[any](t, "text", `"text"`)
	travels[any](t, nil, "null")
}

// What does not fit names field, type and text, clipped, once hidden.
func TestValueErrors(t *testing.T) {
	t.Parallel()
	type doc struct {
		N    carrying[int8]      `json:"n"`
		At   carrying[time.Time] `json:"at"`
		List carrying[[]int]     `json:"list"`
		F    carrying[float64]   `json:"f,omitempty"`
	}
	c := compile[doc](t)
	long := strings.Repeat("é", 300)
	_, err := c.DecodeMap(map[string]string{"n": "300", "at": "canary" + long, "list": `["canary"]`, "f": "NaN"})
	var wrong ValueErrors
	if !errors.As(err, &wrong) || len(wrong) != 4 {
		t.Fatalf("got %v", err)
	}
	if s := err.Error(); strings.Contains(s, "canary") || strings.Contains(s, "300") || !strings.Contains(s, `field "n": the text is not a valid int8: value out of range`) {
		t.Errorf("got %s", s)
	}
	s := wrong.Show(func(s string) string { return strings.ReplaceAll(s, "canary", "[HIDDEN]") })
	for _, want := range []string{`field "n": "300" is not a valid int8: value out of range`, `field "at": "[HIDDEN]é`, `…" is not a valid time.Time`, `field "list": "[\"[HIDDEN]\"]" is not a valid []int: element 0: invalid syntax`, `"NaN" is not a valid float64: is not a finite number`} {
		if !strings.Contains(s, want) {
			t.Errorf("%s is not in %s", want, s)
		}
	}
	if strings.Contains(s, "canary") || len(s) > 1000 {
		t.Errorf("got %s", s)
	}
	if _, err := c.Encode(doc{F: carrying[float64]{V: math.Inf(1)}}); err == nil || !strings.Contains(err.Error(), `field "f": encode float64`) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Encode(doc{N: carrying[int8]{Ref: Refer[int8]("${{ a.outputs.n }}", false)}}); err == nil || !strings.Contains(err.Error(), `field "n" is a reference`) {
		t.Errorf("got %v", err)
	}
}

func TestEmptyAndAbsentValues(t *testing.T) {
	t.Parallel()
	type doc struct {
		Must  carrying[int]        `json:"must"`
		Deft  carrying[int]        `json:"deft" jsonschema:"default=19"`
		Opt   carrying[[]int]      `json:"opt,omitempty"`
		Text  carrying[string]     `json:"text" jsonschema:"default=x"`
		Addr  carrying[netip.Addr] `json:"addr"`
		Plain string               `json:"plain,omitempty"`
	}
	c := compile[doc](t)
	if d := c.fields[2].Default; d != "null" {
		t.Errorf("the default of an optional list is %q", d)
	}
	got, err := c.Decode([]byte(`{"must":"1","deft":"","opt":"","text":"","addr":""}`))
	if err != nil || got.Deft.V != 19 || got.Opt.V != nil || got.Text.V != "" || got.Addr.V.IsValid() {
		t.Errorf("empty: %+v, %v", got, err)
	}
	got, err = c.Decode([]byte(`{"must":"1","addr":"::1"}`))
	if err != nil || got.Deft.V != 19 || got.Text.V != "x" {
		t.Errorf("absent: %+v, %v", got, err)
	}
	if _, err := c.Decode([]byte(`{"must":"","addr":""}`)); err == nil || err.Error() != `field "must": the text is empty, want one of type int` {
		t.Errorf("got %v", err)
	}
	// In a graph: what nobody has set, and a zero that somebody has.
	in := c.Inputs(doc{Deft: carrying[int]{Ref: Given[int]()}, Text: carrying[string]{Ref: Given[string]()}})
	if !in[0].Missing || in[1].Text != "0" || in[2].Text != "null" || in[3].Text != "" {
		t.Errorf("got %+v", in)
	}
	if m := toMap(t, c, doc{}); m["must"] != "0" || m["deft"] != "19" {
		t.Errorf("got %v", m)
	}
	ref := c.Fill(func(name string) string { return "${{ a.outputs." + name + " }}" })
	if in = c.Inputs(ref); in[0].Text != "${{ a.outputs.must }}" || ref.Must.V != 0 {
		t.Errorf("got %+v", in)
	}
	ref.Must.V = 5
	if in = c.Inputs(ref); in[0].Err == nil {
		t.Error("a reference that was set is taken")
	}
}

type moody struct{ s string }

func (m moody) MarshalText() ([]byte, error) { return []byte(m.s), nil }

func (m *moody) UnmarshalText(text []byte) error {
	if string(text) == "panic" {
		panic("moody")
	}
	m.s = string(text)
	return nil
}

// A method that panics takes no frame away.
func TestPanicKeepsFrames(t *testing.T) {
	t.Parallel()
	c := compile[one[moody]](t)
	for range 2 * len(c.frames) {
		func() {
			defer func() { _ = recover() }()
			_, _ = c.DecodeMap(map[string]string{"v": "panic"})
		}()
	}
	if got, err := c.DecodeMap(map[string]string{"v": "x"}); err != nil || got.V.V.s != "x" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// FuzzValues holds each kind against strconv, or encoding/json.
func FuzzValues(f *testing.F) {
	for _, s := range []string{"", "0", "-1", "300", "1e3", "0x1p-2", "true", "T", "[1,2]", `["1"]`, "null", "1h", "NaN", "+5", "007", "1_0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		i, err := strconv.ParseInt(s, 10, 8)
		agree(t, s, int8(i), err)
		u, err := strconv.ParseUint(s, 10, 64)
		agree(t, s, u, err)
		b, err := strconv.ParseBool(s)
		agree(t, s, b, err)
		fl, err := strconv.ParseFloat(s, 64)
		if math.IsNaN(fl) || math.IsInf(fl, 0) {
			err = errNotFinite
		}
		agree(t, s, fl, err)
		d, err := time.ParseDuration(s)
		agree(t, s, d, err)
		var m map[string]any
		err = json.Unmarshal([]byte(s), &m)
		agree(t, s, m, err)
		var p *point
		err = json.Unmarshal([]byte(s), &p)
		agree(t, s, p, err)
	})
}

func agree[T any](t *testing.T, text string, want T, wrong error) {
	t.Helper()
	plain, err := TextOf[T]()
	if err != nil {
		t.Fatal(err)
	}
	got, err := plain.Parse(text)
	if (err == nil) != (wrong == nil) {
		t.Fatalf("%T of %q: %v, want %v", want, text, err, wrong)
	}
	if err != nil {
		return
	}
	if !Equal(got, want) {
		t.Fatalf("%T of %q: %v, want %v", want, text, got, want)
	}
	back, err := plain.Format(got)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := plain.Parse(back); err != nil || !Equal(again, got) {
		t.Fatalf("%T: %q by way of %q: %v, %v", want, text, back, again, err)
	}
}
