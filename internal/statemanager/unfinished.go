package statemanager

// Unfinished returns the number of runs that are not terminal, by namespace.
// Namespaces without such runs are left out.
func (e *Engine) Unfinished() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	counts := make(map[string]int)
	for name, ns := range e.namespaces {
		if n := len(ns.runs) - ns.resting.runs; n > 0 {
			counts[name] = n
		}
	}
	return counts
}
