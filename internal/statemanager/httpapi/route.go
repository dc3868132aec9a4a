package httpapi

import (
	"net/url"
	"strings"
)

// maxParams is how many segments of a path may stand for names.
const maxParams = 4

type params [maxParams]string

// A node of the tree of routes is a path up to one of its segments.
type route struct {
	literal map[string]*route
	param   *route // any segment but an empty one
	slashes bool   // the segment may stand for a name that holds a slash
	methods map[string]*endpoint
	allow   string // the methods, as a 405 names them
}

// add puts an endpoint into the tree. A segment of its path in braces is a
// parameter; a path that ends in a slash ends in an empty segment.
func (t *route) add(e *endpoint) {
	at := t
	for segment := range strings.SplitSeq(e.path[1:], "/") {
		if strings.HasPrefix(segment, "{") {
			if at.param == nil {
				at.param = &route{}
			}
			at = at.param
			at.slashes = segment == "{key}"
			continue
		}
		if at.literal == nil {
			at.literal = map[string]*route{}
		}
		next := at.literal[segment]
		if next == nil {
			next = &route{}
			at.literal[segment] = next
		}
		at = next
	}
	if at.methods == nil {
		at.methods = map[string]*endpoint{}
	}
	at.methods[e.method] = e
	if at.allow != "" {
		at.allow += ", "
	}
	at.allow += e.method
}

// find gives the place of an escaped path in the tree, nil if it has none. The
// path is taken apart before its segments are decoded, so that no name can
// pass for two segments; a name that holds a slash is not to be reached, as on
// the reference server, but for keys of the store, which it does not have.
func (t *route) find(path string, p *params) *route {
	if path == "" || path[0] != '/' {
		return nil
	}
	at, n := t, 0
	for rest, more := path[1:], true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		if next := at.literal[segment]; next != nil {
			at = next
			continue
		}
		if at.param == nil || segment == "" {
			return nil
		}
		if strings.IndexByte(segment, '%') >= 0 {
			name, err := url.PathUnescape(segment)
			if err != nil || !at.param.slashes && strings.IndexByte(name, '/') >= 0 {
				return nil
			}
			segment = name
		}
		p[n] = segment
		n++
		at = at.param
	}
	if at.methods == nil {
		return nil
	}
	return at
}

// slashed is the path with a slash at its end taken away, or else added.
func slashed(path string) string {
	if without, ok := strings.CutSuffix(path, "/"); ok {
		return without
	}
	return path + "/"
}
