package exo

// Validate reports all that the state manager would refuse, without asking
// it: a [*GraphInvalidError] with every mistake, or nil.
func (g *Graph) Validate() error { return g.validate("") }

func (g *Graph) validate(_ string) error {
	if len(g.mistakes) > 0 {
		return &GraphInvalidError{Graph: g.name, Errors: g.mistakes}
	}
	return nil
}
