package transport

import "runtime/debug"

// Version is the version of this module in the running program, from its build
// info: "devel" in a checkout, "unknown" without build info.
func Version() string {
	info, _ := debug.ReadBuildInfo()
	return moduleVersion(info)
}
