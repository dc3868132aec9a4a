package exo

import "github.com/exospherehost/exo-go/exo/transport"

// Version is the version of this module in the running program, from its build
// info: "devel" in a checkout.
func Version() string { return transport.Version() }
