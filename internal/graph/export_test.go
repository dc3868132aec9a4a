package graph

// ParsePlaceholders gives tests the pieces of an input.
func ParsePlaceholders(text string) ([]Piece, error) { return parsePlaceholders(text) }
