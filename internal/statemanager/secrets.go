package statemanager

import (
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// Secrets returns the secrets of a state's graph that the state's node
// declares. It returns them only while the state is claimed (protocol.md §14),
// from the version of the graph that the run began with.
func (e *Engine) Secrets(now time.Time, ns, stateID string) (transport.Secrets, error) {
	const op = "secrets"
	e.enter(now)
	defer e.mu.Unlock()
	st, err := e.workerState(op, ns, stateID)
	switch {
	case err != nil:
		return nil, err
	case st.status != queued:
		return nil, badRequest(op, "State is not queued")
	}
	secrets := make(transport.Secrets, len(st.place.secrets))
	for _, name := range st.place.secrets {
		if v, ok := st.run.program.secrets[name]; ok {
			secrets[name] = v
		}
	}
	return secrets, nil
}
