package jsontext

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type scanned struct {
	Key  string
	Kind Kind
	Val  string
}

func scanAll(src string) ([]scanned, error) {
	var got []scanned
	err := Members(src, func(key string, kind Kind, val string) error {
		got = append(got, scanned{key, kind, val})
		return nil
	})
	return got, err
}

func TestMembers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src string
		want      []scanned
	}{
		{"empty", "{}", nil},
		{"white space", " \r\n\t{ \n} \t", nil},
		{"one", `{"a":"b"}`, []scanned{{"a", String, "b"}}},
		{"in order, with white space", ` { "b" : "1" , "a" : "2" } `, []scanned{{"b", String, "1"}, {"a", String, "2"}}},
		{"twice the same name", `{"a":"1","a":null,"a":"2"}`, []scanned{{"a", String, "1"}, {"a", Null, ""}, {"a", String, "2"}}},
		{"empty name and value", `{"":""}`, []scanned{{"", String, ""}}},
		{"escapes", `{"\u0061\n":"\"\\\/\b\f\n\r\t\u00e9\u2028"}`, []scanned{{"a\n", String, "\"\\/\b\f\n\r\té\u2028"}}},
		{"surrogates", `{"a":"\ud83d\ude00 \ud83d \ude00 \ud83dx \ud83d\n \ud83d\u0061"}`, []scanned{{"a", String, "😀 � � �x �\n �a"}}},
		{"not UTF-8", "{\"\xff\":\"a\xc3\xe2\x82\xacb\xe2\x82\"}", []scanned{{"\ufffd", String, "a\ufffd€b\ufffd\ufffd"}}},
		{"not UTF-8 beside an escape", `{"a":"` + "\xc3" + `\u00a9` + "\xa9" + `"}`, []scanned{{"a", String, "\ufffd©\ufffd"}}},
		{"other kinds", `{"n":-1.5e+3,"t":true,"f":false,"z":null}`, []scanned{{"n", Other, "-1.5e+3"}, {"t", Other, "true"}, {"f", Other, "false"}, {"z", Null, ""}}},
		{"nested", `{"o":{"x":["}",{"]":"\""}]} ,"l":[ 1, [] ],"e":{}}`, []scanned{{"o", Other, `{"x":["}",{"]":"\""}]}`}, {"l", Other, "[ 1, [] ]"}, {"e", Other, "{}"}}},
		{"as deep as may be", `{"a":` + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + `}`, []scanned{{"a", Other, strings.Repeat("[", 9999) + strings.Repeat("]", 9999)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := scanAll(tt.src)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestMembersMalformed(t *testing.T) {
	t.Parallel()
	tests := []struct{ src, want string }{
		{"", "want a JSON object, got nothing"},
		{" null", "want a JSON object, got null"},
		{`["a"]`, "want a JSON object, got an array"},
		{`"a"`, "want a JSON object, got a string"},
		{"true", "want a JSON object, got a boolean"},
		{"-1", "want a JSON object, got a number"},
		{"7", "want a JSON object, got a number"},
		{"}", "want a JSON object, got a malformed value"},
		{"{", "at byte 1: want a name"},
		{"{,", "at byte 1: want a name"},
		{`{"a"}`, "at byte 4: want a colon"},
		{`{"a":}`, "at byte 5: want a value"},
		{`{"a":,}`, "at byte 5: want a value"},
		{`{"a":`, "at byte 5: want a value"},
		{`{"a":"b"`, "at byte 8: want a comma"},
		{`{"a":"b" "c":"d"}`, "at byte 9: want a comma"},
		{`{"a":"b",}`, "at byte 9: want a name"},
		{`{"a":"b"}x`, "at byte 9: want nothing after"},
		{`{}{}`, "at byte 2: want nothing after"},
		{`{"a":"b`, "at byte 5: unterminated string"},
		{`{"a`, "at byte 1: unterminated string"},
		{"{\"a\":\"\n\"}", "at byte 6: control character"},
		{`{"a":"\x"}`, "at byte 6: invalid escape"},
		{`{"a":"\u12g4"}`, "at byte 6: want four hexadecimal digits"},
		{`{"a":"\u12`, "at byte 6: want four hexadecimal digits"},
		{`{"a":"\`, "at byte 5: unterminated string"},
		{`{"a":nul}`, "at byte 5: want a value"},
		{`{"a":nullx}`, "at byte 9: want a comma"},
		{`{"a":-}`, "at byte 5: want a value"},
		{`{"a":01}`, "at byte 6: want a comma"},
		{`{"a":1.}`, "at byte 6: want a comma"},
		{`{"a":1e+}`, "at byte 6: want a comma"},
		{`{"a":1"b"}`, "at byte 6: want a comma"},
		{`{"a":1{}}`, "at byte 6: want a comma"},
		{`{"a":[1,]}`, "at byte 8: want a value"},
		{`{"a":[}}`, "at byte 6: want a value"},
		{`{"a":{"b"}}`, "at byte 9: want a colon"},
		{`{"a":["\q"]}`, "at byte 7: invalid escape"},
		{`{"a":[[}`, "at byte 7: want a value"},
		{`{"a":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + `}`, "at byte 10004: nested too deep"},
		{`{"a":` + strings.Repeat(`{"a":`, 1e6), "at byte 50000: nested too deep"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			t.Parallel()
			if json.Valid([]byte(tt.src)) && tt.src[0] == '{' {
				t.Fatal("encoding/json takes it")
			}
			_, err := scanAll(tt.src)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestMembersEndWithTheErrorOfTheFunction(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	calls := 0
	err := Members(`{"a":"1","b":"2","c":`, func(key string, _ Kind, _ string) error {
		calls++
		if key == "b" {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || calls != 2 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

func TestMembersAllocateNothingWithoutEscapes(t *testing.T) {
	src := `{"url":"https://example.com/é","page":"12","kind":null}`
	n := testing.AllocsPerRun(100, func() {
		if err := Members(src, func(string, Kind, string) error { return nil }); err != nil {
			t.Error(err)
		}
	})
	if n != 0 {
		t.Errorf("got %v allocations", n)
	}
}

func FuzzMembers(f *testing.F) {
	for _, src := range []string{
		``, `null`, `{}`, ` { } `, `[]`, `{"a":"b"}`, `{"a":"1","a":null,"a":2}`, `{"a":[{"b":null},"]",1e5,true]}`,
		`{"\ud83d\ude00":"\ud83d\u0061\n\/"}`, "{\"\xff\":\"\xe2\x82\"}", `{"a":"\u0000` + "\x7f" + `"}`, `{"a":nullx}`, `{"a":-0.0E+1 , "b":{}}x`,
	} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		// Both must agree on whether it is an object, and on every member.
		var want map[string]json.RawMessage
		wantErr := json.Unmarshal([]byte(src), &want)
		got, err := scanAll(src)
		if (err == nil) != (wantErr == nil && want != nil) {
			t.Fatalf("got %v, encoding/json %v, for %q", err, wantErr, src)
		}
		if err != nil {
			return
		}
		last := make(map[string]scanned)
		for _, m := range got {
			last[m.Key] = m
		}
		if len(last) != len(want) {
			t.Fatalf("got %q, want %q", last, want)
		}
		for key, raw := range want {
			m, ok := last[key]
			if !ok {
				t.Fatalf("no member %q in %q", key, src)
			}
			switch raw[0] {
			case '"':
				var s string
				if err := json.Unmarshal(raw, &s); err != nil {
					t.Fatal(err)
				}
				if m.Kind != String || m.Val != s {
					t.Fatalf("got %v, want %q", m, s)
				}
			case 'n':
				if m.Kind != Null || m.Val != "" {
					t.Fatalf("got %v, want null", m)
				}
			default:
				if m.Kind != Other || m.Val != string(raw) {
					t.Fatalf("got %v, want %q", m, raw)
				}
			}
		}
	})
}

var texts = []string{
	`{}`, `[]`, `""`, `0`, `-0`, `-`, `01`, `1.`, `.5`, `1e`, `1e+`, `1E-07`, `-1.5e+10`, `true`, `tru`, `null`, `nul`, `false`, ``, ` `,
	`{"a":1}`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{a:1}`, `[1,2]`, `[1,]`, `[,]`, `[1 2]`, `{"a":{"b":[{}]}}`, `{"a":1 "b":2}`,
	`"\u00e9\"\\\/\b\f\n\r\t"`, `"\u00g9"`, `"\u00e"`, `"\x"`, `"\`, `"\u`, `"a`, "\"a\nb\"", "\"\x7f\"", "\"\xff\"", `{} {}`, "\ufeff{}", `{"a":1}x`,
	` { "a" : [ 1 , 2 ] } `, "{\"a\"\v:1}", `{"a":1e5}`, `--1`, `+1`, `1e5.5`, `"` + "\u2028" + `"`, "\"\xc3\u00a9\"", `[[[{"a":[]}]]]`, `[}`, `{]`,
}

func TestDepth(t *testing.T) {
	t.Parallel()
	for depth, want := range map[int]bool{MaxDepth: true, MaxDepth + 1: false} {
		raw := strings.Repeat("[", depth) + strings.Repeat("]", depth)
		s := Scan(raw)
		if err := s.Skip(); (err == nil) != want || json.Valid([]byte(raw)) != want {
			t.Errorf("depth %d: %v", depth, err)
		}
	}
	s := ScanTo(`[[],[1],[[]]]`, 2)
	var syntax *SyntaxError
	if err := s.Skip(); !errors.As(err, &syntax) || syntax.Problem != TooDeep || syntax.Offset != 9 {
		t.Errorf("got %v", err)
	}
}

// A scanner must agree with encoding/json on what is JSON, whether it is given
// a string or bytes, and on what strings stand for.
func FuzzScanner(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, ofString := Scan(raw), Scan(string(raw))
		value, err := s.Raw()
		if same := ofString.Skip(); (err == nil) != (same == nil) || err != nil && err.Error() != same.Error() {
			t.Fatalf("%q: %v for bytes, %v for a string", raw, err, same)
		}
		end := s.End()
		if want := json.Valid(raw); (err == nil && end == nil) != want {
			t.Fatalf("%q: %v, %v, encoding/json: %v", raw, err, end, want)
		}
		if isObject := json.Valid(raw) && bytes.TrimLeft(raw, " \t\r\n")[0] == '{'; (CheckObject(raw) == nil) != isObject {
			t.Fatalf("%q: object %v", raw, isObject)
		}
		for _, err := range []error{err, end} {
			var syntax *SyntaxError
			if err != nil && (!errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(raw)) {
				t.Fatalf("%q: %#v", raw, err)
			}
		}
		if err != nil {
			return
		}
		if !json.Valid(value) {
			t.Fatalf("%q: gives %q for a value", raw, value)
		}
		var want string
		s = Scan(value)
		sp, kind, err := s.Value()
		switch {
		case err != nil || kind == String != (value[0] == '"') || kind == Null != (string(value) == "null"):
			t.Fatalf("%q: kind %d, %v", value, kind, err)
		case kind == String && json.Unmarshal(value, &want) == nil:
			if got := s.Text(sp); got != want {
				t.Fatalf("%q: got %q", value, got)
			}
		}
	})
}
