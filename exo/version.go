package exo

import "github.com/exospherehost/exo-go/exo/transport"

// Version returns the version of this module in the running program, from its
// build info: "devel" in a checkout, "unknown" without build info.
func Version() string { return transport.Version() }
