package node

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/wire"
)

// A DefinitionError lists all that keeps a node from being defined.
type DefinitionError struct {
	Node     string   // the node's name
	Problems []string // each says where, what is wrong, and what to do
}

func (e *DefinitionError) Error() string {
	if len(e.Problems) == 1 {
		return fmt.Sprintf("node %q: %s", e.Node, e.Problems[0])
	}
	return fmt.Sprintf("node %q has %d problems:\n\t%s", e.Node, len(e.Problems), strings.Join(e.Problems, "\n\t"))
}

// maxNameLength bounds the names of nodes and namespaces, in bytes.
const maxNameLength = 255

// definition gathers the problems of one node.
type definition struct {
	node     string
	problems []string
}

func (d *definition) problem(format string, args ...any) {
	d.problems = append(d.problems, fmt.Sprintf(format, args...))
}

// finish is n, or the error if there are problems.
func finish[In, Out, Sec any](n *Node[In, Out, Sec], d *definition) (*Node[In, Out, Sec], error) {
	if len(d.problems) > 0 {
		return nil, &DefinitionError{Node: d.node, Problems: d.problems}
	}
	return n, nil
}

// define makes a node without a function, and the definition that holds what is
// wrong with it.
func define[In, Out, Sec any](name string, opts []Option) (*Node[In, Out, Sec], *definition) {
	d := &definition{node: name}
	d.checkName("name", name)
	n := &Node[In, Out, Sec]{name: name}
	for i, opt := range opts {
		if opt == nil {
			d.problem("option %d is nil: leave it out", i+1)
			continue
		}
		opt.applyNode(&n.options)
	}
	d.problems = append(d.problems, n.options.problems...)

	n.spec = transport.NodeSpec{Name: name, Secrets: []string{}}
	n.in, n.spec.InputsSchema = compile[In](d, "inputs", "Inputs")
	n.out, n.spec.OutputsSchema = compile[Out](d, "outputs", "Outputs")
	sec, secrets := codecOf(d, "secrets", wire.CompileSecrets[Sec])
	for _, f := range secrets {
		n.spec.Secrets = append(n.spec.Secrets, f.Name)
	}
	n.sec = sec
	return n, d
}

// compile makes the codec and the schema of T. The schema is looked at even if
// there is no codec, so that all problems come at once.
func compile[T any](d *definition, role, title string) (*wire.Codec[T], []byte) {
	codec, fields := codecOf(d, role, wire.Compile[T])
	whole := codec != nil
	if !whole && (len(fields) == 0 || !wire.Expandable[T](maxSchemaTypes)) {
		return nil, nil
	}
	schema, problems := schemaOf[T](title, fields, whole)
	for _, problem := range problems {
		d.problem("%s %s: %s", role, wire.TypeName[T](), problem)
	}
	return codec, schema
}

// codecOf makes the codec of T. If T is not fit there is none, and the fields
// are those that are right.
func codecOf[T any](d *definition, role string, compile func() (*wire.Codec[T], error)) (*wire.Codec[T], []wire.Field) {
	codec, err := compile()
	if err == nil {
		return codec, codec.Fields()
	}
	unfit := &wire.DefinitionError{Type: wire.TypeName[T](), Problems: []string{err.Error()}}
	_ = errors.As(err, &unfit)
	for _, problem := range unfit.Problems {
		d.problem("%s %s: %s", role, unfit.Type, problem)
	}
	return nil, unfit.Fields
}

// checkName checks a name that the state manager will know the node by.
func (d *definition) checkName(what, name string) {
	switch {
	case name == "":
		d.problem("the %s is empty: give one", what)
	case len(name) > maxNameLength:
		d.problem("the %s is %d bytes long: at most %d will do", what, len(name), maxNameLength)
	case !utf8.ValidString(name):
		d.problem("the %s is not UTF-8", what)
	case strings.TrimSpace(name) != name:
		d.problem("the %s %q begins or ends with white space, which state managers trim: remove it", what, name)
	case strings.ContainsFunc(name, unicode.IsControl):
		d.problem("the %s %q holds a control character: remove it", what, name)
	}
}
