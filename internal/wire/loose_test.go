package wire

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A nosy value has methods that use the codec which calls them: for a text that
// begins with "in ", once all who are at the meeting have come.
type nosy struct{ s string }

var meeting atomic.Pointer[sync.WaitGroup]

func meet() {
	if all := meeting.Load(); all != nil {
		all.Done()
		all.Wait()
	}
}

func (n *nosy) UnmarshalText(text []byte) error {
	inner, nested := bytes.CutPrefix(text, []byte("in "))
	if !nested {
		n.s = string(text)
		return nil
	}
	meet()
	c, err := Compile[one[nosy]]()
	if err != nil {
		return err
	}
	v, err := c.DecodeMap(map[string]string{"v": string(inner)})
	n.s = v.V.V.s
	return err
}

func (n nosy) MarshalText() ([]byte, error) {
	inner, nested := strings.CutPrefix(n.s, "in ")
	if !nested {
		return []byte(n.s), nil
	}
	meet()
	c, err := Compile[one[nosy]]()
	if err != nil {
		return nil, err
	}
	return c.Encode(one[nosy]{carrying[nosy]{nosy{inner}, Given[nosy]()}})
}

// All calls are in a method of the value's type at once, more of them than there
// are frames, and each uses the codec again. None waits for another, and no frame
// is made. Not parallel: it counts the frames of all codecs.
func TestMethodsMayUseTheCodec(t *testing.T) {
	c := compile[one[nosy]](t)
	outer := one[nosy]{carrying[nosy]{nosy{"in x"}, Given[nosy]()}}
	const encoded = `{"v":"{\"v\":\"x\"}"}`
	calls := map[string]func() string{
		"Decode": func() string {
			v, err := c.Decode([]byte(`{"v":"in x"}`))
			return fmt.Sprint(v.V.V.s, err)
		},
		"DecodeMap": func() string {
			v, err := c.DecodeMap(map[string]string{"v": "in x"})
			return fmt.Sprint(v.V.V.s, err)
		},
		"Append": func() string {
			raw, err := c.Append(nil, outer)
			return fmt.Sprint(string(raw), err)
		},
		"Encode": func() string {
			raw, err := c.Encode(outer)
			return fmt.Sprint(string(raw), err)
		},
		"Map": func() string {
			m, err := c.Map(outer)
			return fmt.Sprint(m["v"], err)
		},
	}
	made := framesMade.Load()
	for name, call := range calls {
		want := "x<nil>"
		switch name {
		case "Append", "Encode":
			want = encoded + "<nil>"
		case "Map":
			want = `{"v":"x"}<nil>`
		}
		var all, done sync.WaitGroup
		n := 3 * len(c.frames)
		all.Add(n)
		meeting.Store(&all)
		for range n {
			done.Go(func() {
				if got := call(); got != want {
					t.Errorf("%s: got %s, want %s", name, got, want)
				}
			})
		}
		done.Wait()
	}
	meeting.Store(nil)
	if n := framesMade.Load() - made; n > 0 {
		t.Errorf("%d frames were made", n)
	}
}

// The errors of loose values stand among the others, in the order of the fields.
func TestErrorsOfLooseValuesAreInOrder(t *testing.T) {
	t.Parallel()
	type doc struct {
		List carrying[[]int]     `json:"list"`
		N    carrying[int]       `json:"n"`
		P    carrying[point]     `json:"p"`
		At   carrying[time.Time] `json:"at"`
	}
	c := compile[doc](t)
	_, err := c.Decode([]byte(`{"at":"","p":"{","n":"x","list":"{\"a\":1}"}`))
	var wrong ValueErrors
	if !errors.As(err, &wrong) {
		t.Fatal(err)
	}
	var got []string
	for _, e := range wrong {
		got = append(got, e.Field+" "+e.Text)
	}
	if d := cmp.Diff([]string{`list {"a":1}`, "n x", "p {", "at "}, got); d != "" {
		t.Error(d)
	}
}

// A loose default is read anew for each, and what becomes of it is nobody else's.
func TestLooseDefaults(t *testing.T) {
	t.Parallel()
	type doc struct {
		List carrying[[]int] `json:"list" jsonschema:"default=[1\\,2]"`
		P    carrying[point] `json:"p,omitempty"`
	}
	c := compile[doc](t)
	for range 2 {
		for _, raw := range []string{`{}`, `{"list":"","p":""}`, `{"list":null}`} {
			v, err := c.Decode([]byte(raw))
			if err != nil || len(v.List.V) != 2 || v.List.V[0] != 1 || v.P.V != (point{}) {
				t.Errorf("%s: got %+v, %v", raw, v, err)
			}
			if len(v.List.V) > 0 {
				v.List.V[0] = 7
			}
		}
	}
}

// In a list, the texts of values stand beside values: a state manager collects
// both (protocol.md §13, collect).
func TestListsOfTexts(t *testing.T) {
	t.Parallel()
	readsList(t, `[1,"007","+3"]`, []int{1, 7, 3}, "")
	readsList(t, `["True",false]`, []bool{true, false}, "")
	readsList(t, `["1.50",2]`, []float64{1.5, 2}, "")
	readsList(t, `["1m30s",1]`, []time.Duration{90 * time.Second, 1}, "")
	readsList(t, `["{\"x\":1}",{"x":2}]`, []point{{X: 1}, {X: 2}}, "")
	readsList(t, `["[1]",[2],"null",null]`, [][]int{{1}, {2}, nil, nil}, "")
	readsList(t, `["007","x y",""]`, []string{"007", "x y", ""}, "")
	readsList(t, ` [ ] `, []int{}, "")
	readsList(t, `[1,"",3]`, []int(nil), "element 1: the text is empty")
	readsList(t, `["1","many"]`, []int(nil), "element 1: invalid syntax")
	readsList(t, `["2024-05-05T10:00:00Z","late"]`, []time.Time(nil), `parsing time "late"`)
	readsList(t, `["{\"x\":1}","point"]`, []point(nil), "cannot unmarshal string")
	readsList(t, `[1,"300"]`, []int8(nil), "cannot unmarshal number 300")
	readsList(t, `"1"`, []int(nil), "cannot unmarshal string")
	readsList(t, `[1.5]`, []int(nil), "cannot unmarshal number 1.5")
}

func readsList[T any](t *testing.T, text string, want []T, wrong string) {
	t.Helper()
	v, err := compile[one[[]T]](t).DecodeMap(map[string]string{"v": text})
	if wrong != "" {
		var e ValueErrors
		if !errors.As(err, &e) || !strings.Contains(e[0].Reason.Error(), wrong) {
			t.Errorf("%s: got %v, want an error that says %s", text, err, wrong)
		}
		return
	}
	if d := cmp.Diff(want, v.V.V); err != nil || d != "" {
		t.Errorf("%s: %v\n%s", text, err, d)
	}
}

// A zero that has no text, as a method says by a panic, is one that is missing.
type fussy struct{ n *int }

func (f *fussy) UnmarshalText(text []byte) error {
	n := len(text)
	f.n = &n
	return nil
}

func (f fussy) MarshalText() ([]byte, error) { return bytes.Repeat([]byte("x"), *f.n), nil }

func TestZeroWithoutText(t *testing.T) {
	t.Parallel()
	type doc struct {
		Must carrying[fussy] `json:"must"`
		Opt  carrying[fussy] `json:"opt,omitempty"`
	}
	c := compile[doc](t)
	in := c.Inputs(doc{})
	if in[0].Err == nil || !strings.Contains(in[0].Err.Error(), `field "must": encode wire.fussy: panic`) || in[1].Err != nil || in[1].Text != "" {
		t.Errorf("got %+v", in)
	}
}
