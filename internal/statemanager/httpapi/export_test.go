package httpapi

import "context"

// Replace makes an endpoint do something else once its request has been read.
func (h *Handler) Replace(method, path string, f func(context.Context) error) {
	at := h.routes.find(path, new(params)).methods[method]
	at.serve = func(c *call) error { return f(c.context()) }
}
