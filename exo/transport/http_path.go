package transport

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// endpoint is the parsed URL of an [HTTP].
type endpoint struct {
	scheme, host string
	root         path // without a trailing slash
}

// parseEndpoint parses the URL of an [HTTP]. Its errors do not show the URL,
// which may hold secrets.
func parseEndpoint(raw string) (endpoint, error) {
	if raw == "" {
		return endpoint{}, errors.New("no URL: set HTTP.URL, for example to http://localhost:8000")
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return endpoint{}, errors.New("invalid URL: want http:// or https://, a host, and optionally a path")
	}
	switch {
	case u.User != nil:
		return endpoint{}, errors.New("URL has user information: remove it and set HTTP.APIKey")
	case u.RawQuery != "" || u.ForceQuery:
		return endpoint{}, errors.New("URL has a query: remove it and set HTTP.APIKey")
	case u.Fragment != "":
		return endpoint{}, errors.New("URL has a fragment: remove it")
	}
	plain, escaped := strings.TrimRight(u.Path, "/"), strings.TrimRight(u.EscapedPath(), "/")
	if plain == escaped {
		escaped = ""
	}
	return endpoint{scheme: u.Scheme, host: u.Host, root: path{plain, escaped}}, nil
}

// A path is the path of a URL, plain and escaped. escaped is empty if it is
// equal to plain.
type path struct{ plain, escaped string }

// join appends parts, which alternate between literals and names. It escapes
// each name separately, so that no name reaches beyond its segment.
func (p path) join(parts ...string) (path, error) {
	same := p.escaped == ""
	for i := 1; i < len(parts); i += 2 {
		name := parts[i]
		if name == "" || name == "." || name == ".." {
			what := cmp.Or(strings.Trim(parts[i-1], "/"), "version")
			return path{}, fmt.Errorf("invalid %s %q: it must not be empty, \".\" or \"..\"", what, name)
		}
		same = same && url.PathEscape(name) == name
	}
	var room [8]string
	all := append(append(room[:0], p.plain), parts...)
	joined := path{plain: strings.Join(all, "")}
	if same {
		return joined, nil
	}
	all[0] = cmp.Or(p.escaped, p.plain)
	for i := 2; i < len(all); i += 2 {
		all[i] = url.PathEscape(all[i])
	}
	joined.escaped = strings.Join(all, "")
	return joined, nil
}
