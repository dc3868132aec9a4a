package statemanager

import (
	"fmt"
	"strings"
)

// A piece is a part of an input as a graph gives it: literal text, or a
// placeholder (protocol.md §7).
type piece struct {
	kind       pieceKind
	text       string // of a literal; the key of a store placeholder
	identifier string // of an output placeholder: the step
	field      string // of an output placeholder: which output of the step
}

type pieceKind uint8

const (
	literal     pieceKind = iota
	outputPiece           // ${{ identifier.outputs.field }}
	storePiece            // ${{ store.key }}
)

const (
	placeholderOpen  = "${{"
	placeholderClose = "}}"
)

// parsePlaceholders splits the text of an input. White space inside the braces,
// also around the dots, does not count.
func parsePlaceholders(text string) ([]piece, error) {
	head, rest, more := strings.Cut(text, placeholderOpen)
	if !more {
		return []piece{{text: text}}, nil
	}
	var pieces []piece
	if head != "" {
		pieces = append(pieces, piece{text: head})
	}
	for n := 1; more; n++ {
		if n > MaxPlaceholders {
			return nil, fmt.Errorf("more than %d placeholders in: %s", MaxPlaceholders, clip(text))
		}
		var split string
		split, rest, more = strings.Cut(rest, placeholderOpen)
		inside, tail, closed := strings.Cut(split, placeholderClose)
		if !closed {
			return nil, fmt.Errorf("Invalid syntax string placeholder %s for: %s '${' not closed", clip(split), clip(text)) //nolint:staticcheck // the reference server's words
		}
		p, ok := parsePlaceholder(inside)
		if !ok {
			return nil, fmt.Errorf("Invalid syntax string placeholder %s for: %s", clip(inside), clip(text)) //nolint:staticcheck // the reference server's words
		}
		pieces = append(pieces, p)
		if tail != "" {
			pieces = append(pieces, piece{text: tail})
		}
	}
	return pieces, nil
}

// parsePlaceholder reads what stands between the braces.
func parsePlaceholder(inside string) (piece, bool) {
	if strings.Count(inside, ".") > 2 {
		return piece{}, false
	}
	parts := strings.Split(inside, ".")
	for i := range parts {
		if parts[i] = strings.TrimSpace(parts[i]); parts[i] == "" {
			return piece{}, false
		}
	}
	switch {
	case len(parts) == 3 && parts[1] == "outputs":
		return piece{kind: outputPiece, identifier: parts[0], field: parts[2]}, true
	case len(parts) == 2 && parts[0] == reservedIdentifier:
		return piece{kind: storePiece, text: parts[1]}, true
	}
	return piece{}, false
}

// reservedIdentifier is how placeholders name the run's store.
const reservedIdentifier = "store"
