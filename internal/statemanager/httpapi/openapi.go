package httpapi

import (
	"net/http"
	"strconv"
	"strings"
)

// The description of the API is made of the table that routes and checks it.

type (
	openAPIDocument struct {
		OpenAPI    string                           `json:"openapi"`
		Info       openAPIInfo                      `json:"info"`
		Paths      map[string]map[string]*operation `json:"paths"`
		Components components                       `json:"components"`
	}
	openAPIInfo struct {
		Title   string `json:"title"`
		Version string `json:"version"`
	}
	components struct {
		SecuritySchemes map[string]securityScheme `json:"securitySchemes"`
	}
	securityScheme struct {
		Type string `json:"type"`
		Name string `json:"name"`
		In   string `json:"in"`
	}
	operation struct {
		Summary     string                `json:"summary"`
		Description string                `json:"description,omitempty"`
		Parameters  []parameter           `json:"parameters,omitempty"`
		RequestBody *content              `json:"requestBody,omitempty"`
		Responses   map[string]*content   `json:"responses"`
		Security    []map[string][]string `json:"security,omitempty"`
	}
	parameter struct {
		Name     string  `json:"name"`
		In       string  `json:"in"`
		Required bool    `json:"required"`
		Schema   *schema `json:"schema"`
	}
	content struct {
		Description string               `json:"description,omitempty"`
		Required    bool                 `json:"required,omitempty"`
		Content     map[string]mediaType `json:"content"`
	}
	mediaType struct {
		Schema *schema `json:"schema"`
	}
)

// openAPI describes the endpoints in OpenAPI 3.1.
func openAPI(table []endpoint) []byte {
	doc := openAPIDocument{
		OpenAPI: "3.1.0",
		Info:    openAPIInfo{Title: "Exosphere state manager", Version: "v0"},
		Paths:   map[string]map[string]*operation{},
		Components: components{SecuritySchemes: map[string]securityScheme{
			"key": {Type: "apiKey", Name: "x-api-key", In: "header"},
		}},
	}
	for i := range table {
		e := &table[i]
		if doc.Paths[e.path] == nil {
			doc.Paths[e.path] = map[string]*operation{}
		}
		doc.Paths[e.path][strings.ToLower(e.method)] = e.operation()
	}
	return appendJSON(nil, doc)
}

func (e *endpoint) operation() *operation {
	op := &operation{
		Summary:    e.summary,
		Parameters: e.parameters(),
		Responses:  map[string]*content{strconv.Itoa(e.status): jsonContent(http.StatusText(e.status), e.answer)},
	}
	if e.extension != "" {
		op.Description = "Extension: " + string(e.extension)
	}
	statuses := map[int]bool{}
	for _, s := range e.errors {
		statuses[s] = true
	}
	if e.body != nil {
		op.RequestBody = jsonContent("", e.body)
		op.RequestBody.Required = true
		statuses[http.StatusBadRequest] = true
		statuses[http.StatusUnprocessableEntity] = true
		statuses[http.StatusRequestEntityTooLarge] = true
	}
	if !e.open {
		op.Security = []map[string][]string{{"key": {}}}
		statuses[http.StatusUnauthorized] = true
	}
	for s := range statuses {
		op.Responses[strconv.Itoa(s)] = jsonContent(http.StatusText(s), objectOf(prop("detail", detailSchema)))
	}
	return op
}

func (e *endpoint) parameters() []parameter {
	var ps []parameter
	for segment := range strings.SplitSeq(e.path, "/") {
		if !strings.HasPrefix(segment, "{") {
			continue
		}
		p := parameter{Name: strings.Trim(segment, "{}"), In: "path", Required: true, Schema: aString}
		if s := e.numbers[p.Name]; s != nil {
			p.Schema = s
		}
		ps = append(ps, p)
	}
	for _, q := range e.query {
		name, optional := strings.CutSuffix(q.name, "?")
		ps = append(ps, parameter{Name: name, In: "query", Required: !optional, Schema: q.schema})
	}
	return ps
}

func jsonContent(description string, s *schema) *content {
	return &content{Description: description, Content: map[string]mediaType{"application/json": {Schema: s}}}
}
