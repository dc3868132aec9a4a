package httpapi

import (
	"encoding/json"
	"errors"
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
		{strings.Repeat("[", maxNesting+2), maxNesting, "Nested too deep"},
	}
	for _, tt := range tests {
		if at, msg := syntaxError(t, tt.src); at != tt.at || msg != tt.msg {
			t.Errorf("%.40q: %d %q, want %d %q", tt.src, at, msg, tt.at, tt.msg)
		}
	}
	if err := (&call{}).checkBody(); err != nil {
		t.Errorf("no body: %v", err)
	}
}

// syntaxError is where and why a body is not JSON, as clients are told. What is
// said to those whose body is looked at no further must be what is said to those
// whose body is read.
func syntaxError(t *testing.T, body string) (at int, msg string) {
	t.Helper()
	c := &call{Handler: &Handler{}, body: body}
	err := c.checkBody()
	var into string
	if read := fit(c, anyValue, &into); err != nil && (read == nil || read.Error() != err.Error()) {
		t.Errorf("%.40q: %v, and %v when it is read", body, err, read)
	}
	var told problems
	if !errors.As(err, &told) {
		return 0, ""
	}
	return told[0].Loc[1].(int), told[0].Ctx["error"].(string)
}

// FuzzShapes reads bodies by the shapes, and compares what they read with what
// encoding/json reads.
func FuzzShapes(f *testing.F) {
	for _, s := range []string{
		`{"a":["1","]"],"a":[] , "c\"d":["\u0041\\"]}`, `{"a":null}`, `{"":[""]}`, `{"a":["1",]}`, `{"a":[1]}`, `{"a":["\ud800"]}`, ` {"a" : [ "x" , "y" ] } `, `[]`,
	} {
		f.Add(s)
	}
	lists := dictOf(list(text))
	f.Fuzz(func(t *testing.T, src string) {
		if !utf8.ValidString(src) || src == "" {
			t.Skip("refused before")
		}
		c := &call{Handler: &Handler{}, body: src}
		if valid := json.Valid([]byte(src)); valid != (c.checkBody() == nil) && strings.Count(src, "[")+strings.Count(src, "{") <= maxNesting {
			t.Fatalf("%q: %v, but valid is %t", src, c.checkBody(), valid)
		}
		var got map[string][]string
		err := fit(c, lists, &got)
		var want map[string][]*string
		wantErr := json.Unmarshal([]byte(src), &want)
		unfit := wantErr != nil || want == nil
		for _, l := range want {
			unfit = unfit || l == nil
			for _, s := range l {
				unfit = unfit || s == nil
			}
		}
		if unfit && err == nil {
			t.Fatalf("%q: took %v, want %v", src, got, wantErr)
		}
		if err != nil {
			return // of a name that occurs twice, encoding/json looks at the last alone
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %v, want %v", src, got, want)
		}
		for name, l := range want {
			texts := make([]string, len(l))
			for i := range l {
				texts[i] = *l[i]
			}
			if diff := cmp.Diff(texts, got[name]); diff != "" {
				t.Fatalf("%q: %s", src, diff)
			}
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

// Problems are told in the order in which the fields are declared, whatever that
// of the body; of a member that is there twice, the last counts.
func TestOrderOfProblems(t *testing.T) {
	t.Parallel()
	c := &call{Handler: &Handler{}, body: `{"batch_size":"x","nodes":[1],"nodes":["A",2],"wait_ms":-1}`}
	err := fit(c, enqueueShape, new(enqueueBody))
	var told problems
	if !errors.As(err, &told) {
		t.Fatal(err)
	}
	const want = "body.nodes.1: Input should be a valid string; body.batch_size: Input should be a valid integer, unable to parse string as an integer"
	if told.Error() != want {
		t.Errorf("got %s", told.Error())
	}
	var b graphBody
	c.body = `{"nodes":[{"next_nodes":["a"],"next_nodes":null,"inputs":{},"identifier":"i","namespace":"n","node_name":"N"}],"secrets":{}}`
	if err := fit(c, graphShape, &b); err != nil || b.Nodes[0].Next != nil {
		t.Errorf("got %v, %v", b, err)
	}
}
