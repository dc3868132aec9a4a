package httpapi

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestSyntaxError(t *testing.T) {
	t.Parallel()
	const name, comma, value = "Expecting property name enclosed in double quotes", "Expecting ',' delimiter", "Expecting value"
	tests := []struct {
		src string
		at  int
		msg string
	}{
		{`{}`, 0, ""},
		{` [1, -2.5e+3, "a\u00e9\n", true, false, null, {"a": {}}] `, 0, ""},
		{`{bad json}`, 1, name},
		{`{`, 1, name},
		{`{"a":1,}`, 7, name},
		{`{"a" 1}`, 5, "Expecting ':' delimiter"},
		{`{"a":}`, 5, value},
		{`{"a":1 "b":2}`, 7, comma},
		{`[1 2]`, 3, comma},
		{`[1,]`, 3, value},
		{`["é" x]`, 5, comma}, // in characters, not bytes
		{`[`, 1, value},
		{``, 0, value},
		{`nul`, 0, value},
		{`NaN`, 0, value},
		{`-`, 0, value},
		{`01`, 1, "Extra data"},
		{`1.`, 1, "Extra data"},
		{`1e+`, 1, "Extra data"},
		{`{} {}`, 3, "Extra data"},
		{`"abc`, 0, "Unterminated string starting at"},
		{`["abc\`, 1, "Unterminated string starting at"},
		{"\"a\nb\"", 2, "Invalid control character at"},
		{`"a\x"`, 2, `Invalid \escape`},
		{`"a\u12g4"`, 3, `Invalid \uXXXX escape`},
		{`"\u12`, 2, `Invalid \uXXXX escape`},
		{strings.Repeat("[", maxNesting+2), maxNesting + 1, "Nested too deep"},
	}
	for _, tt := range tests {
		if at, msg := syntaxError(tt.src); at != tt.at || msg != tt.msg {
			t.Errorf("%.40q: %d %q, want %d %q", tt.src, at, msg, tt.at, tt.msg)
		}
	}
}

// FuzzJSON compares the checker, and the walks that rely on it, with
// encoding/json.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,"]",{"b":"}"}],"a":null , "c\"d":"\u0041\\"}`, `[[],{},"",-0.5e-7]`, `{"a":1,}`, `"\ud800"`, ` 12 `, `{"":{}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if !utf8.ValidString(src) {
			t.Skip("refused before")
		}
		at, msg := syntaxError(src)
		if valid := json.Valid([]byte(src)); valid != (msg == "") && msg != "Nested too deep" {
			t.Fatalf("%q: %d %q, but valid is %t", src, at, msg, valid)
		}
		if at < 0 || at > utf8.RuneCountInString(src) {
			t.Fatalf("%q: at %d", src, at)
		}
		if msg != "" {
			return
		}
		src = strings.Trim(src, " \t\r\n")
		var want, got any
		switch src[0] {
		case '{':
			m := map[string]json.RawMessage{}
			members(src, func(name, value string) { m[name] = json.RawMessage(value) })
			w := map[string]json.RawMessage{}
			if err := json.Unmarshal([]byte(src), &w); err != nil {
				t.Fatal(err)
			}
			want, got = w, m
		case '[':
			l := []json.RawMessage{}
			elements(src, func(value string) { l = append(l, json.RawMessage(value)) })
			w := []json.RawMessage{}
			if err := json.Unmarshal([]byte(src), &w); err != nil {
				t.Fatal(err)
			}
			want, got = w, l
		case '"':
			var w string
			if err := json.Unmarshal([]byte(src), &w); err != nil {
				t.Fatal(err)
			}
			want, got = w, unquote(src)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q: %s", src, diff)
		}
	})
}

func TestParseInt(t *testing.T) {
	t.Parallel()
	const most, least = 1<<63 - 1, -1 << 63
	tests := []struct {
		raw  string
		n    int64
		kind string
	}{
		{`3`, 3, ""},
		{`-3`, -3, ""},
		{`3.0`, 3, ""},
		{`1e3`, 1000, ""},
		{`true`, 1, ""},
		{`false`, 0, ""},
		{`"3"`, 3, ""},
		{`" +3 "`, 3, ""},
		{`"3.00"`, 3, ""},
		{`"-3."`, -3, ""},
		{`99999999999999999999`, most, ""},
		{`-99999999999999999999`, least, ""},
		{`"99999999999999999999"`, most, ""},
		{`1.5`, 0, "int_from_float"},
		{`1e300`, 0, "int_parsing_size"},
		{`1e999`, 0, "int_parsing_size"},
		{`"1.5"`, 0, "int_parsing"},
		{`"abc"`, 0, "int_parsing"},
		{`""`, 0, "int_parsing"},
		{`"0x10"`, 0, "int_parsing"},
		{`"1_0"`, 0, "int_parsing"},
		{`null`, 0, "int_type"},
		{`[]`, 0, "int_type"},
		{`{}`, 0, "int_type"},
	}
	for _, tt := range tests {
		n, problem := parseInt(tt.raw)
		if problem == nil {
			problem = &intProblem{}
		}
		if problem.kind != tt.kind || tt.kind == "" && n != tt.n {
			t.Errorf("%s: %d %q, want %d %q", tt.raw, n, problem.kind, tt.n, tt.kind)
		}
	}
}

func TestIsJSON(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]bool{
		"": true, "application/json": true, "application/json; charset=utf-8": true, "Application/JSON": true,
		"application/problem+json": true, "text/plain": false, "application/octet-stream": false, "text/json": false, "/;": false,
	} {
		if got := isJSON(contentType); got != want {
			t.Errorf("%q: %t, want %t", contentType, got, want)
		}
	}
}
