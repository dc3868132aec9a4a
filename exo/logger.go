package exo

import (
	"sync"

	"github.com/exospherehost/exo-go/exo/node"
	"go.uber.org/zap"
)

// stateLogger makes a state's logger when it is first asked for: most nodes
// log nothing, and a logger with fields is not free.
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

// infoFields are the fields of every line that concerns a state.
func infoFields(i *node.Info) []zap.Field {
	return []zap.Field{
		zap.String("state_id", i.StateID),
		zap.String("run_id", i.RunID),
		zap.String("node", i.Node),
		zap.String("identifier", i.Identifier),
	}
}
