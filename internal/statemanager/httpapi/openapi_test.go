package httpapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What the description says of requests and answers is held against all that
// the transcripts hold; and everything it describes has been seen.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	api := readOpenAPI(t)
	seen := map[string]bool{}
	for _, script := range readTranscripts(t) {
		if !slices.Contains(script.modes, true) {
			continue
		}
		replay(t, script, true, func(r *http.Request, body string, w *httptest.ResponseRecorder) {
			path, op := api.find(r)
			nowhere := w.Code == http.StatusMethodNotAllowed || w.Code == http.StatusTemporaryRedirect || r.Method == http.MethodOptions ||
				w.Body.String() == `{"detail":"Not Found"}`
			if nowhere {
				return
			}
			if op == nil {
				t.Errorf("%s %s: %d, and is not described", r.Method, r.URL, w.Code)
				return
			}
			where := fmt.Sprintf("%s: %s %s: %d", script.file, r.Method, r.URL, w.Code)
			answer, ok := op.Responses[strconv.Itoa(w.Code)]
			if !ok {
				t.Errorf("%s is not described", where)
				return
			}
			seen[r.Method+" "+path+" "+strconv.Itoa(w.Code)] = true
			for _, p := range answer.schema().check("answer", decode(t, where, w.Body.String()), false) {
				t.Errorf("%s: %s\n%s", where, p, w.Body)
			}
			if w.Code >= 300 || strings.Contains(w.Body.String(), `"code":422`) {
				return
			}
			switch {
			case op.RequestBody == nil && body != "":
				t.Errorf("%s: a body is not described", where)
			case op.RequestBody != nil:
				for _, p := range op.RequestBody.schema().check("body", decode(t, where, body), true) {
					t.Errorf("%s: %s\n%s", where, p, body)
				}
			}
		})
	}
	for path, ops := range api.Paths {
		for method, op := range ops {
			if path == "/openapi.json" {
				continue
			}
			for status := range op.Responses {
				if what := strings.ToUpper(method) + " " + path + " " + status; status < "300" && !seen[what] {
					t.Errorf("no transcript holds %s", what)
				}
			}
		}
	}
}

// A server without extensions does not describe them.
func TestOpenAPIWithoutExtensions(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, testOptions{})
	w := s.do(t, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	for _, word := range []string{"heartbeat", "/store", "/cancel", "Extension"} {
		if strings.Contains(w.Body.String(), word) {
			t.Errorf("describes %s", word)
		}
	}
}

type openAPI struct {
	OpenAPI string                           `json:"openapi"`
	Paths   map[string]map[string]*operation `json:"paths"`

	patterns map[string]*regexp.Regexp
}

type operation struct {
	Parameters []struct {
		Name, In string
		Required bool
	}
	RequestBody *content
	Responses   map[string]*content
	Security    []map[string][]string
}

type content struct {
	Content map[string]struct{ Schema *jsonSchema }
}

func (c *content) schema() *jsonSchema { return c.Content["application/json"].Schema }

func readOpenAPI(t *testing.T) *openAPI {
	t.Helper()
	s := newTestServer(t, testOptions{extensions: true})
	w := s.do(t, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	var api openAPI
	if err := json.Unmarshal(w.Body.Bytes(), &api); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %v", w.Code, err)
	}
	if api.OpenAPI != "3.1.0" {
		t.Errorf("version %q", api.OpenAPI)
	}
	api.patterns = map[string]*regexp.Regexp{}
	for path, ops := range api.Paths {
		api.patterns[path] = regexp.MustCompile("^" + pathParameter.ReplaceAllString(path, "[^/]+") + "$")
		for method, op := range ops {
			var inPath []string
			for _, p := range op.Parameters {
				if p.In == "path" && p.Required {
					inPath = append(inPath, "{"+p.Name+"}")
				}
			}
			if want := pathParameter.FindAllString(path, -1); !slices.Equal(inPath, want) {
				t.Errorf("%s %s: parameters %v", method, path, inPath)
			}
			if open := path == "/health" || path == "/ready" || path == "/openapi.json"; (len(op.Security) == 0) != open {
				t.Errorf("%s %s: security %v", method, path, op.Security)
			}
		}
	}
	return &api
}

var pathParameter = regexp.MustCompile(`\{[a-z_]+\}`)

func (a *openAPI) find(r *http.Request) (string, *operation) {
	for path, pattern := range a.patterns {
		if pattern.MatchString(r.URL.EscapedPath()) {
			return path, a.Paths[path][strings.ToLower(r.Method)]
		}
	}
	return "", nil
}

// A jsonSchema is as much of JSON Schema as the description uses; a keyword that
// is not known here fails the test.
type jsonSchema struct {
	Type                 any
	Description          string
	Const                string
	Enum                 []string
	Minimum              *int64
	ExclusiveMinimum     *int64
	MaxItems             int
	Items                *jsonSchema
	Properties           map[string]*jsonSchema
	Required             []string
	AdditionalProperties *jsonSchema
	OneOf                []*jsonSchema
}

func (s *jsonSchema) UnmarshalJSON(raw []byte) error {
	type plain jsonSchema
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	return d.Decode((*plain)(s))
}

// check says what about v does not fit. Answers have no members but those that
// are described; requests may, and may write numbers as strings.
func (s *jsonSchema) check(at string, v any, request bool) (problems []string) {
	if len(s.OneOf) > 0 {
		fits := 0
		for _, o := range s.OneOf {
			if len(o.check(at, v, request)) == 0 {
				fits++
			}
		}
		if fits != 1 {
			return []string{fmt.Sprintf("%s: fits %d of %d", at, fits, len(s.OneOf))}
		}
		return nil
	}
	if types := s.types(); len(types) > 0 && !slices.Contains(types, typeOf(v)) {
		if text, ok := v.(string); !ok || !request || !slices.Contains(types, "integer") || !regexp.MustCompile(`^\d+$`).MatchString(text) {
			return []string{fmt.Sprintf("%s: %v is no %v", at, v, types)}
		}
	}
	switch v := v.(type) {
	case string:
		if s.Const != "" && v != s.Const || s.Enum != nil && !slices.Contains(s.Enum, v) {
			problems = append(problems, fmt.Sprintf("%s: %q is none of %q %q", at, v, s.Const, s.Enum))
		}
	case json.Number:
		n, _ := v.Int64()
		if s.Minimum != nil && n < *s.Minimum || s.ExclusiveMinimum != nil && n <= *s.ExclusiveMinimum {
			problems = append(problems, fmt.Sprintf("%s: %s is too low", at, v))
		}
	case []any:
		if s.MaxItems > 0 && len(v) > s.MaxItems {
			problems = append(problems, at+": too long")
		}
		for i, e := range v {
			if s.Items != nil {
				problems = append(problems, s.Items.check(fmt.Sprintf("%s[%d]", at, i), e, request)...)
			}
		}
	case map[string]any:
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				problems = append(problems, at+"."+name+": is missing")
			}
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			switch p := s.Properties[name]; {
			case p != nil:
				problems = append(problems, p.check(at+"."+name, v[name], request)...)
			case s.AdditionalProperties != nil:
				problems = append(problems, s.AdditionalProperties.check(at+"."+name, v[name], request)...)
			case s.Properties != nil && !request:
				problems = append(problems, at+"."+name+": is not described")
			}
		}
	}
	return problems
}

func (s *jsonSchema) types() (types []string) {
	switch t := s.Type.(type) {
	case string:
		types = []string{t}
	case []any:
		for _, e := range t {
			types = append(types, fmt.Sprint(e))
		}
	}
	return types
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "number"
		}
		return "integer"
	case []any:
		return "array"
	}
	return "object"
}
