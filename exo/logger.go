package exo

import (
	"sync"

	"github.com/exospherehost/exo-go/exo/node"
	"go.uber.org/zap"
)

// stateLogger creates a state's logger on first use: most nodes log nothing,
// and a logger with fields costs allocations.
type stateLogger struct {
	base   *zap.Logger
	info   *node.Info
	redact *redactor

	once sync.Once
	made *zap.Logger
}

func (l *stateLogger) get() *zap.Logger {
	l.once.Do(func() {
		if l.made == nil {
			l.made = l.redact.logger(l.base).With(infoFields(l.info)...)
		}
	})
	return l.made
}

// infoFields returns the fields of every log line about a state.
func infoFields(i *node.Info) []zap.Field {
	return []zap.Field{
		zap.String("state_id", i.StateID),
		zap.String("run_id", i.RunID),
		zap.String("node", i.Node),
		zap.String("identifier", i.Identifier),
	}
}
