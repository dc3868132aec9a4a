package exo

import (
	"encoding/json"
	"net/http"
	"path"
)

// HealthHandler returns a handler for health probes of the runtime. Mount it
// anywhere in the program's own server:
//
//	mux.Handle("/exo/", rt.HealthHandler()) // GET /exo/live, GET /exo/ready
//
// The last segment of the path selects the probe. "live" is 200 until Run has
// returned, and then 503; it stays 200 while the state manager is away, since
// restarting the program would not help. "ready" is 200 while the nodes are
// registered, the runtime is not stopping, and the last claim had a response;
// otherwise it is 503. Both bodies are [Stats] as JSON. Other paths are 404.
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
