package exo

import (
	"encoding/json"
	"net/http"
	"path"
)

// HealthHandler answers probes of the runtime, to be mounted anywhere in the
// program's own server:
//
//	mux.Handle("/exo/", rt.HealthHandler()) // GET /exo/live, GET /exo/ready
//
// The last segment of the path decides. "live" is 200 until Run has returned,
// then 503: a state manager that is away does not make a program one to
// restart. "ready" is 200 while the nodes are registered, the runtime is not
// stopping, and the last claim was answered; else 503. Both carry the counts
// of [Stats] as JSON. Other paths are 404.
func (r *Runtime) HealthHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		stats := r.Stats()
		var healthy bool
		switch path.Base(req.URL.Path) {
		case "live":
			healthy = !r.ended()
		case "ready":
			healthy = stats.Registered && r.stopped.Err() == nil && !r.draining.Load() && stats.LastClaimError == ""
		default:
			http.NotFound(w, req)
			return
		}
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if !healthy {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(struct {
			Healthy bool `json:"healthy"`
			Stats
		}{healthy, stats})
	})
}

// ended reports whether Run has returned.
func (r *Runtime) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}
