package httpapi_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestReplay replays the transcripts in testdata. Each is one scenario: what a
// client of the reference server sends and what it is answered, and in comments
// where and why our answer is another.
//
//	# a comment
//	@ extensions                      serve with extensions only
//	@ no extensions                   serve without extensions only
//	@ rules reference                 join as the reference server does
//	@ advance 1.5s                    move time
//	> METHOD /path [key=none|wrong] [type=a/b|none] [header=value …]
//	  the body, indented, as it is
//	< STATUS [header=value …]
//	  the answer, indented: JSON that must be equal; after a ~, an object whose
//	  members must be there; ... for any
//
// Words in angle brackets stand for what differs from run to run. <s1>, <r1>
// and <t1> are the id of a state, that of a run and a lease token; they get
// their values where they are first met. <time> is any time, <3s> that of the
// given duration after the beginning, in an answer also as a number of
// milliseconds: "<ms 3s>".
func TestReplay(t *testing.T) {
	t.Parallel()
	for _, script := range readTranscripts(t) {
		t.Run(strings.TrimSuffix(filepath.Base(script.file), ".txt"), func(t *testing.T) {
			t.Parallel()
			for _, extensions := range script.modes {
				t.Run(fmt.Sprintf("extensions=%t", extensions), func(t *testing.T) {
					t.Parallel()
					replay(t, script, extensions, func(*http.Request, string, *httptest.ResponseRecorder) {})
				})
			}
		})
	}
}

// replay checks every exchange of a transcript, and shows it to visit. In one
// that is not of extensions, what they add to answers is left out of account.
func replay(t *testing.T, script *transcript, extensions bool, visit func(r *http.Request, body string, w *httptest.ResponseRecorder)) {
	t.Helper()
	s := newTestServer(t, testOptions{extensions: extensions, asReference: script.asReference})
	vars := map[string]string{}
	for _, x := range script.exchanges {
		s.Advance(x.advance)
		r := x.request(vars)
		got := s.do(t, r)
		visit(r, fill(x.body, vars), got)
		where := fmt.Sprintf("%s:%d: %s %s", script.file, x.line, x.method, x.path)
		if got.Code != x.status {
			t.Fatalf("%s: status %d, want %d\n%s", where, got.Code, x.status, got.Body)
		}
		for name, want := range x.wantHeader {
			if h := got.Header().Get(name); h != fill(want, vars) {
				t.Errorf("%s: header %s is %q, want %q", where, name, h, want)
			}
		}
		if !x.wantBody(t, where, got.Body.String(), vars, s.start, extensions && len(script.modes) > 1) {
			t.FailNow()
		}
	}
}

type transcript struct {
	file        string
	modes       []bool // with extensions, without
	asReference bool
	exchanges   []*exchange
}

type exchange struct {
	line         int
	advance      time.Duration
	method, path string
	header       map[string]string
	body         string
	status       int
	wantHeader   map[string]string
	answer       string
}

func readTranscripts(t *testing.T) []*transcript {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	scripts := make([]*transcript, len(files))
	for i, file := range files {
		scripts[i] = readTranscript(t, file)
	}
	return scripts
}

func readTranscript(t *testing.T, file string) *transcript {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	script := &transcript{file: file, modes: []bool{false, true}}
	var x *exchange
	var wait time.Duration
	var text *string // that indented lines belong to
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		words := strings.Fields(line)
		switch {
		case len(words) == 0, words[0] == "#":
		case strings.HasPrefix(line, "  "):
			if text == nil {
				t.Fatalf("%s:%d: belongs to nothing", file, n)
			}
			if *text != "" {
				*text += "\n"
			}
			*text += line[2:]
		case line == "@ extensions":
			script.modes = []bool{true}
		case line == "@ no extensions":
			script.modes = []bool{false}
		case line == "@ rules reference":
			script.asReference = true
		case words[0] == "@" && words[1] == "advance":
			d, err := time.ParseDuration(words[2])
			if err != nil {
				t.Fatalf("%s:%d: %v", file, n, err)
			}
			wait += d
		case words[0] == ">":
			x = &exchange{line: n, advance: wait, method: words[1], path: words[2], header: fields(words[3:])}
			wait, text = 0, &x.body
			script.exchanges = append(script.exchanges, x)
		case words[0] == "<":
			if _, err := fmt.Sscan(words[1], &x.status); err != nil {
				t.Fatalf("%s:%d: %v", file, n, err)
			}
			x.wantHeader, text = fields(words[2:]), &x.answer
		default:
			t.Fatalf("%s:%d: what is %q?", file, n, line)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return script
}

func fields(words []string) map[string]string {
	m := map[string]string{}
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		m[name] = value
	}
	return m
}

func (x *exchange) request(vars map[string]string) *http.Request {
	r := httptest.NewRequest(x.method, fill(x.path, vars), strings.NewReader(fill(x.body, vars)))
	r.Header.Set("X-Api-Key", testKey)
	r.Header.Set("Content-Type", "application/json")
	for name, value := range x.header {
		switch {
		case name == "key" && value == "none":
			r.Header.Del("X-Api-Key")
		case name == "key":
			r.Header.Set("X-Api-Key", value)
		case name == "type" && value == "none":
			r.Header.Del("Content-Type")
		case name == "type":
			r.Header.Set("Content-Type", value)
		default:
			r.Header.Set(name, value)
		}
	}
	return r
}

var variable = regexp.MustCompile(`<[a-z]+[0-9]+>`)

// fill puts in the values that variables have by now.
func fill(s string, vars map[string]string) string {
	return variable.ReplaceAllStringFunc(s, func(name string) string {
		if v, ok := vars[name]; ok {
			return v
		}
		return name
	})
}

func (x *exchange) wantBody(t *testing.T, where, body string, vars map[string]string, start time.Time, pruneExtras bool) bool {
	t.Helper()
	if x.answer == "..." {
		return true
	}
	answer, partial := strings.CutPrefix(x.answer, "~ ")
	if answer == "" || answer[0] != '{' {
		if body != answer {
			t.Errorf("%s: answer %q, want %q", where, body, answer)
			return false
		}
		return true
	}
	want, got := decode(t, where+": transcript", answer), decode(t, where+": answer", body)
	if partial {
		got = common(got, want)
	}
	if pruneExtras {
		got = withoutExtras(got)
	}
	m := matcher{vars: vars, start: start}
	if m.match("", want, got); len(m.differences) > 0 {
		t.Errorf("%s:\n%s\ngot  %s\nwant %s", where, strings.Join(m.differences, "\n"), body, x.answer)
		return false
	}
	return true
}

func decode(t *testing.T, what, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v in %q", what, err, text)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Fatalf("%s: more than one value in %q", what, text)
	}
	return v
}

// common is the object got without the members that want does not have.
func common(got, want any) any {
	object, ok := got.(map[string]any)
	if !ok {
		return got
	}
	maps.DeleteFunc(object, func(name string, _ any) bool {
		_, wanted := want.(map[string]any)[name]
		return !wanted
	})
	return object
}

// withoutExtras takes out of an answer what extensions add to it.
func withoutExtras(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = withoutExtras(v[i])
		}
	case map[string]any:
		_, claimed := v["state_id"]
		_, detailed := v["parents"]
		_, validated := v["validation_status"]
		if text, ok := v["detail"].(string); ok && strings.HasPrefix(text, "Graph template is not valid: ") {
			v["detail"] = "Graph template is not valid"
		}
		for name := range v {
			v[name] = withoutExtras(v[name])
		}
		switch {
		case claimed:
			delete(v, "run_id")
			delete(v, "graph_name")
			delete(v, "attempt")
		case validated:
			delete(v, "version")
			delete(v, "serving_version")
		case detailed:
			delete(v, "attempt")
			delete(v, "place")
			delete(v, "data")
		}
	}
	return v
}

// A matcher compares an answer with the one of a transcript.
type matcher struct {
	vars        map[string]string
	start       time.Time
	differences []string
}

func (m *matcher) differ(at, format string, args ...any) {
	m.differences = append(m.differences, at+": "+fmt.Sprintf(format, args...))
}

func (m *matcher) match(at string, want, got any) {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			m.differ(at, "got %v, want an object", got)
			return
		}
		// Variables are keys too, where parents are told.
		filled := map[string]any{}
		for k, v := range want {
			filled[fill(k, m.vars)] = v
		}
		for _, k := range slices.Sorted(maps.Keys(filled)) {
			if _, ok := object[k]; !ok {
				m.differ(at+"."+k, "is missing")
				continue
			}
			m.match(at+"."+k, filled[k], object[k])
		}
		for _, k := range slices.Sorted(maps.Keys(object)) {
			if _, ok := filled[k]; !ok {
				m.differ(at+"."+k, "is not wanted, got %v", object[k])
			}
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			m.differ(at, "got %v, want a list of %d", got, len(want))
			return
		}
		for i := range want {
			m.match(fmt.Sprintf("%s[%d]", at, i), want[i], list[i])
		}
	case string:
		m.text(at, want, got)
	default:
		if want != got {
			m.differ(at, "got %v, want %v", got, want)
		}
	}
}

var (
	stateID = regexp.MustCompile(`^[0-9a-f]{24}$`)
	runID   = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	token   = regexp.MustCompile(`^.+$`)
)

const timeLayout = "2006-01-02T15:04:05.000000"

func (m *matcher) text(at, want string, got any) {
	if ms, ok := strings.CutPrefix(want, "<ms "); ok {
		n, isNumber := got.(json.Number)
		d, err := time.ParseDuration(strings.TrimSuffix(ms, ">"))
		if w := m.start.Add(d).UnixMilli(); err != nil || !isNumber || n.String() != fmt.Sprint(w) {
			m.differ(at, "got %v, want %d", got, w)
		}
		return
	}
	s, ok := got.(string)
	if !ok {
		m.differ(at, "got %v, want %q", got, want)
		return
	}
	if want == "<time>" {
		if _, err := time.Parse(timeLayout, s); err != nil {
			m.differ(at, "%v", err)
		}
		return
	}
	if d, err := time.ParseDuration(strings.Trim(want, "<>")); err == nil && strings.HasPrefix(want, "<") {
		if w := m.start.Add(d).UTC().Format(timeLayout); s != w {
			m.differ(at, "got %s, want %s", s, w)
		}
		return
	}
	if _, bound := m.vars[want]; !bound && variable.FindString(want) == want && want != "" {
		kind := map[byte]*regexp.Regexp{'s': stateID, 'r': runID, 't': token}[want[1]]
		if !kind.MatchString(s) {
			m.differ(at, "%q is no %s", s, want)
			return
		}
		for name, v := range m.vars {
			if v == s {
				m.differ(at, "%s is %s already", s, name)
			}
		}
		m.vars[want] = s
		return
	}
	if w := fill(want, m.vars); s != w {
		m.differ(at, "got %q, want %q", s, w)
	}
}
