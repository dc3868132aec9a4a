package httpapi

import "net/http"

// DefaultCORSOrigins are the origins that browsers may call from if none are
// given: those of the reference server's dashboard.
func DefaultCORSOrigins() []string {
	return []string{"http://localhost:3000", "http://127.0.0.1:3000"}
}

const (
	corsMethods = "GET, POST, PUT, DELETE, OPTIONS"
	corsHeaders = "Accept, Accept-Language, Content-Language, Content-Type, X-Api-Key, X-Exosphere-Request-Id"
	corsExposed = "X-Exosphere-Request-Id, X-Exosphere-Extensions"
	corsMaxAge  = "600" // seconds
)

// cors says which origins browsers may call from.
type cors map[string]bool

func newCORS(origins []string) cors {
	c := make(cors, len(origins))
	for _, o := range origins {
		c[o] = true
	}
	return c
}

// preflight responds to a browser that asks before it calls. It reports whether
// there was one.
func (c cors) preflight(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if r.Method != http.MethodOptions || origin == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Add("Vary", "Origin")
	if !c[origin] {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte("Disallowed CORS origin"))
		return true
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", corsMaxAge)
	_, _ = w.Write([]byte("OK"))
	return true
}

// mark lets the page that made a call read its response, if it may.
func (c cors) mark(h http.Header, origin string) {
	if origin == "" {
		return
	}
	h.Add("Vary", "Origin")
	if c[origin] {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", corsExposed)
	}
}
