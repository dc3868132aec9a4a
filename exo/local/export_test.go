package local

import "github.com/exospherehost/exo-go/internal/server"

// WithClock gives the state manager another time than the real one.
func WithClock(clock server.Clock) Option {
	return option(func(c *config) { c.server.Clock = clock })
}
