package transport

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// endpoint is what the URL of an [HTTP] says.
type endpoint struct {
	scheme, host string
	root         path // without a slash at the end
}

// parseEndpoint reads the URL of an [HTTP]. Its errors do not show the URL,
// which may hold what is not to be seen.
func parseEndpoint(raw string) (endpoint, error) {
	if raw == "" {
		return endpoint{}, errors.New("no URL: set HTTP.URL, for example to http://localhost:8000")
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return endpoint{}, errors.New("malformed URL: want http:// or https://, a host, and a path if need be")
	}
	switch {
	case u.User != nil:
		return endpoint{}, errors.New("the URL holds user information: leave it out and set HTTP.APIKey")
	case u.RawQuery != "" || u.ForceQuery:
		return endpoint{}, errors.New("the URL holds a query: leave it out and set HTTP.APIKey")
	case u.Fragment != "":
		return endpoint{}, errors.New("the URL holds a fragment: leave it out")
	}
	plain, escaped := strings.TrimRight(u.Path, "/"), strings.TrimRight(u.EscapedPath(), "/")
	if plain == escaped {
		escaped = ""
	}
	return endpoint{scheme: u.Scheme, host: u.Host, root: path{plain, escaped}}, nil
}

// A path is the path of a URL, plain and escaped; escaped is empty where it is
// the same.
type path struct{ plain, escaped string }

// join appends parts, which are in turn literal and a name. Names are escaped
// each by itself, so that none reaches beyond its segment.
func (p path) join(parts ...string) (path, error) {
	same := p.escaped == ""
	for i := 1; i < len(parts); i += 2 {
		name := parts[i]
		if name == "" || name == "." || name == ".." {
			what := cmp.Or(strings.Trim(parts[i-1], "/"), "version")
			return path{}, fmt.Errorf("%q cannot stand in a path as the %s: it must not be empty, \".\" or \"..\"", name, what)
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
