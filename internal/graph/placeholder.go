package graph

import (
	"fmt"
	"strings"

	"github.com/exospherehost/exo-go/internal/clip"
)

// A Piece is a part of an input as written in the graph: literal text or a
// placeholder (protocol.md §7).
type Piece struct {
	Kind       PieceKind
	Text       string // the text of a Literal, or the key of a StoreKey
	Identifier string // of an Output or Branches: the identifier of the step
	Field      string // of an Output or Branches: the name of the output
}

// PieceKind is the kind of a piece.
type PieceKind uint8

const (
	Literal  PieceKind = iota
	Output             // ${{ identifier.outputs.field }}
	StoreKey           // ${{ store.key }}
	Branches           // ${{ identifier.branches.field }}
)

// ReadsStep reports whether the piece stands for an output of a step.
func (p Piece) ReadsStep() bool { return p.Kind == Output || p.Kind == Branches }

const (
	placeholderOpen  = "${{"
	placeholderClose = "}}"
)

// reservedIdentifier is the name of the run's store in placeholders.
const reservedIdentifier = "store"

// MaxPlaceholders is the largest number of placeholders in one input.
const MaxPlaceholders = 1000

// parsePlaceholders splits the text of an input. White space inside the braces
// is ignored, also around the dots.
func parsePlaceholders(text string) ([]Piece, error) {
	head, rest, more := strings.Cut(text, placeholderOpen)
	if !more {
		return []Piece{{Text: text}}, nil
	}
	var pieces []Piece
	if head != "" {
		pieces = append(pieces, Piece{Text: head})
	}
	for n := 1; more; n++ {
		if n > MaxPlaceholders {
			return nil, fmt.Errorf("more than %d placeholders in: %s", MaxPlaceholders, clip.Text(text))
		}
		var split string
		split, rest, more = strings.Cut(rest, placeholderOpen)
		inside, tail, closed := strings.Cut(split, placeholderClose)
		if !closed {
			return nil, fmt.Errorf("Invalid syntax string placeholder %s for: %s '${' not closed", clip.Text(split), clip.Text(text)) //nolint:staticcheck // the reference server's words
		}
		p, ok := parsePlaceholder(inside)
		if !ok {
			return nil, fmt.Errorf("Invalid syntax string placeholder %s for: %s", clip.Text(inside), clip.Text(text)) //nolint:staticcheck // the reference server's words
		}
		pieces = append(pieces, p)
		if tail != "" {
			pieces = append(pieces, Piece{Text: tail})
		}
	}
	return pieces, nil
}

// parsePlaceholder parses the text between the braces. The field of an output
// may be empty: the schema check decides whether the node has such an output.
func parsePlaceholder(inside string) (Piece, bool) {
	if strings.Count(inside, ".") > 2 {
		return Piece{}, false
	}
	parts := strings.Split(inside, ".")
	for i := range parts {
		if parts[i] = strings.TrimSpace(parts[i]); parts[i] == "" && i < 2 {
			return Piece{}, false
		}
	}
	switch {
	case len(parts) == 3 && parts[1] == "outputs":
		return Piece{Kind: Output, Identifier: parts[0], Field: parts[2]}, true
	case len(parts) == 3 && parts[1] == "branches":
		return Piece{Kind: Branches, Identifier: parts[0], Field: parts[2]}, true
	case len(parts) == 2 && parts[0] == reservedIdentifier:
		return Piece{Kind: StoreKey, Text: parts[1]}, true
	}
	return Piece{}, false
}

// distinct returns the placeholders among the pieces of an input, without
// repetitions.
func distinct(pieces []Piece) []Piece {
	var list []Piece
	seen := make(map[Piece]bool)
	for _, p := range pieces {
		if p.Kind != Literal && !seen[p] {
			seen[p] = true
			list = append(list, p)
		}
	}
	return list
}

// OutputReferences returns the identifiers of the steps whose outputs an input
// reads, in order. Text that does not parse names none.
func OutputReferences(input string) []string {
	pieces, err := parsePlaceholders(input)
	if err != nil {
		return nil
	}
	var steps []string
	for _, p := range pieces {
		if p.ReadsStep() {
			steps = append(steps, p.Identifier)
		}
	}
	return steps
}
