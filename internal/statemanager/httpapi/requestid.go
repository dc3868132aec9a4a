package httpapi

import (
	"math/rand/v2"

	"github.com/exospherehost/exo-go/internal/ids"
)

// requestID is the client's own id of its request if that is a UUID, else a new
// one. It only tells requests apart, so it need not be hard to guess.
func requestID(given string) string {
	if ids.IsUUID(given) {
		return given
	}
	return ids.UUID(rand.Uint64(), rand.Uint64())
}
