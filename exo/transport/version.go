package transport

import "runtime/debug"

const modulePath = "github.com/exospherehost/exo-go"

// Version returns the version of this module in the running program, from its
// build info: "devel" in a checkout, "unknown" without build info.
func Version() string {
	info, _ := debug.ReadBuildInfo()
	return moduleVersion(info)
}

func moduleVersion(info *debug.BuildInfo) string {
	if info == nil {
		return "unknown"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path != modulePath {
			continue
		}
		if m.Replace != nil {
			m = m.Replace
		}
		if m.Version != "" && m.Version != "(devel)" {
			return m.Version
		}
	}
	return "devel"
}
