package graphfile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// Parse parses a graph file: the body of PUT /graph (protocol.md §4) plus
// "name". Pass the result to exo.StateManager.UpsertSpec.
//
// Unknown and repeated members are errors, so that a misspelled member is not
// taken for an absent one. All mistakes are reported together. A member that is
// null counts as absent. A secret that is null gets an empty value, to be set
// before the graph is written: state managers reject empty values. Members that
// a retry policy leaves out are as in [transport.DefaultRetryPolicy].
//
// Parse does not check whether the graph can run; the state manager does.
func Parse(data []byte) (name string, spec transport.GraphSpec, err error) {
	var raw json.RawMessage
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&raw); err != nil {
		return "", transport.GraphSpec{}, fmt.Errorf("exo: parse graph: %w", jsonError(data, err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", transport.GraphSpec{}, errors.New("exo: parse graph: unexpected data after the graph")
	}
	if err := graphReader(&name, &spec).object("the graph", raw); err != nil {
		return "", transport.GraphSpec{}, fmt.Errorf("exo: parse graph: %w", err)
	}
	return name, spec, nil
}

// jsonError adds the line number to a syntax error.
func jsonError(data []byte, err error) error {
	var s *json.SyntaxError
	if !errors.As(err, &s) {
		return err
	}
	at := min(max(int(s.Offset), 0), len(data))
	return fmt.Errorf("line %d: %w", 1+bytes.Count(data[:at], []byte("\n")), err)
}

// memberReader reads the value of a member of an object. where names the
// member.
type memberReader func(where string, raw json.RawMessage) error

// fileReader reads an object, each of its members with a function.
type fileReader struct {
	members  map[string]memberReader
	required []string
}

// object reads raw and reports everything that is wrong with it.
func (r *fileReader) object(where string, raw json.RawMessage) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return fmt.Errorf("%s: want an object, got %s", where, excerpt(raw))
	}
	var errs []error
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		name := fmt.Sprint(token)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		read, known := r.members[name]
		switch {
		case !known:
			errs = append(errs, fmt.Errorf("%s: unknown member %q (want one of %s)", where, name, strings.Join(slices.Sorted(maps.Keys(r.members)), ", ")))
		case seen[name]:
			errs = append(errs, fmt.Errorf("%s: member %q is given twice", where, name))
		case string(value) == "null":
			continue
		default:
			errs = append(errs, read(where+": "+name, value))
		}
		seen[name] = true
	}
	for _, name := range r.required {
		if !seen[name] {
			errs = append(errs, fmt.Errorf("%s: member %q is missing", where, name))
		}
	}
	return errors.Join(errs...)
}

// excerpt returns the beginning of raw.
func excerpt(raw json.RawMessage) string {
	const most = 40
	if len(raw) > most {
		return strings.ToValidUTF8(string(raw[:most]), "") + "…"
	}
	return string(raw)
}

// into returns a reader that decodes a value into v.
func into[T any](v *T, wanted string) memberReader {
	return func(where string, raw json.RawMessage) error {
		if err := json.Unmarshal(raw, v); err != nil {
			return fmt.Errorf("%s: want %s, got %s", where, wanted, excerpt(raw))
		}
		return nil
	}
}

// list returns a reader of a list that reads each item with read.
func list[T any](items *[]T, read func(v *T) *fileReader) memberReader {
	return func(where string, raw json.RawMessage) error {
		var raws []json.RawMessage
		if err := into(&raws, "a list of objects")(where, raw); err != nil {
			return err
		}
		*items = make([]T, len(raws))
		errs := make([]error, len(raws))
		for i := range raws {
			errs[i] = read(&(*items)[i]).object(fmt.Sprintf("%s[%d]", where, i), raws[i])
		}
		return errors.Join(errs...)
	}
}

// texts returns a reader of an object of strings. encoding/json would read null
// as an empty string; here it is an error.
func texts(m *map[string]string) memberReader {
	return func(where string, raw json.RawMessage) error {
		var pointers map[string]*string
		if err := into(&pointers, "an object of strings")(where, raw); err != nil {
			return err
		}
		*m = make(map[string]string, len(pointers))
		for _, name := range slices.Sorted(maps.Keys(pointers)) {
			if pointers[name] == nil {
				return fmt.Errorf("%s: %q: want a string, got null", where, name)
			}
			(*m)[name] = *pointers[name]
		}
		return nil
	}
}

func graphReader(name *string, spec *transport.GraphSpec) *fileReader {
	return &fileReader{required: []string{"name", "nodes"}, members: map[string]memberReader{
		"name": func(where string, raw json.RawMessage) error {
			if err := into(name, "a string")(where, raw); err != nil {
				return err
			}
			if strings.TrimSpace(*name) == "" {
				return fmt.Errorf("%s: is empty", where)
			}
			return nil
		},
		"secrets": func(where string, raw json.RawMessage) error {
			var values map[string]*string
			if json.Unmarshal(raw, &values) != nil { // the error and raw may show a secret
				return fmt.Errorf("%s: want an object of strings, or of null for values given later", where)
			}
			spec.Secrets = make(transport.Secrets, len(values))
			for secret, value := range values {
				if value == nil {
					value = new(string)
				}
				spec.Secrets[secret] = *value
			}
			return nil
		},
		"nodes": list(&spec.Nodes, placementReader),
		"retry_policy": func(where string, raw json.RawMessage) error {
			policy := transport.DefaultRetryPolicy()
			spec.Retry = &policy
			return retryReader(&policy).object(where, raw)
		},
		"store_config": func(where string, raw json.RawMessage) error {
			return (&fileReader{members: map[string]memberReader{
				"required_keys":  into(&spec.Store.RequiredKeys, "a list of strings"),
				"default_values": texts(&spec.Store.DefaultValues),
			}}).object(where, raw)
		},
		"triggers": list(&spec.Triggers, triggerReader),
	}}
}

func placementReader(p *transport.Placement) *fileReader {
	p.Inputs, p.Next = map[string]string{}, []string{}
	return &fileReader{
		required: []string{"node_name", "identifier"},
		members: map[string]memberReader{
			"node_name":  into(&p.Node, "a string"),
			"namespace":  into(&p.Namespace, "a string"),
			"identifier": into(&p.Identifier, "a string"),
			"inputs":     texts(&p.Inputs),
			"next_nodes": into(&p.Next, "a list of strings"),
			"unites": func(where string, raw json.RawMessage) error {
				p.Unites = &transport.Unites{Strategy: transport.AllSuccess}
				return (&fileReader{required: []string{"identifier"}, members: map[string]memberReader{
					"identifier": into(&p.Unites.Identifier, "a string"),
					"strategy":   into(&p.Unites.Strategy, "a string"),
				}}).object(where, raw)
			},
		},
	}
}

func retryReader(p *transport.RetryPolicy) *fileReader {
	return &fileReader{members: map[string]memberReader{
		"max_retries":    into(&p.MaxRetries, "a whole number"),
		"strategy":       into(&p.Strategy, "a string"),
		"backoff_factor": milliseconds(&p.Backoff),
		"exponent":       into(&p.Exponent, "a whole number"),
		"max_delay":      milliseconds(&p.MaxDelay),
	}}
}

// milliseconds reads durations of the protocol (protocol.md §10).
func milliseconds(d *time.Duration) memberReader {
	return func(where string, raw json.RawMessage) error {
		var ms int64
		if err := into(&ms, "a whole number of milliseconds")(where, raw); err != nil {
			return err
		}
		*d = time.Duration(ms) * time.Millisecond
		if d.Milliseconds() != ms {
			return fmt.Errorf("%s: %d milliseconds are too long", where, ms)
		}
		return nil
	}
}

func triggerReader(t *transport.CronTrigger) *fileReader {
	return &fileReader{
		required: []string{"type", "value"},
		members: map[string]memberReader{
			"type": func(where string, raw json.RawMessage) error {
				var kind string
				if err := into(&kind, `"CRON"`)(where, raw); err != nil || kind != "CRON" {
					return cmp.Or(err, fmt.Errorf(`%s: want "CRON", got %q`, where, kind))
				}
				return nil
			},
			"value": func(where string, raw json.RawMessage) error {
				return (&fileReader{required: []string{"expression"}, members: map[string]memberReader{
					"expression": into(&t.Expression, "a string"),
					"timezone":   into(&t.Timezone, "a string"),
				}}).object(where, raw)
			},
		},
	}
}
