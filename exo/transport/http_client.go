package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// maxWait is the longest time that a state manager holds a response
	// (protocol.md §13).
	maxWait = 30 * time.Second

	// callTimeout limits a call by the default client. It leaves room for a
	// response of the largest size after the longest wait.
	callTimeout = maxWait + 30*time.Second

	// idleTimeout is less than the 5 seconds after which the reference server
	// closes idle connections (protocol.md §2).
	idleTimeout = 4 * time.Second

	// idlePerHost keeps the connections of a burst of parallel calls.
	idlePerHost = 256
)

// defaultClient is the client of every HTTP value without a Client of its own,
// so that they share connections.
var defaultClient = sync.OnceValue(func() *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{
		Timeout: callTimeout,
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           dialer.DialContext,
			TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:   10 * time.Second,
			ExpectContinueTimeout: time.Second,
			IdleConnTimeout:       idleTimeout,
			MaxIdleConns:          4 * idlePerHost,
			MaxIdleConnsPerHost:   idlePerHost,
			ForceAttemptHTTP2:     true,
		},
	}
})

// exchange sends a request like client, but follows no redirects and so need
// not copy the request. The request's context must end with the client's
// timeout: see bounded.
func exchange(client *http.Client, req *http.Request) (*http.Response, error) {
	if client.Jar != nil {
		for _, cookie := range client.Jar.Cookies(req.URL) {
			req.AddCookie(cookie)
		}
	}
	tripper := client.Transport
	if tripper == nil {
		tripper = http.DefaultTransport
	}
	resp, err := tripper.RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case resp == nil:
		return nil, fmt.Errorf("%T of the client returned neither a response nor an error", tripper)
	case resp.Body == nil:
		resp.Body = http.NoBody
	}
	if client.Jar != nil {
		client.Jar.SetCookies(req.URL, resp.Cookies())
	}
	return resp, nil
}

// bounded returns ctx limited by the client's timeout.
func bounded(ctx context.Context, client *http.Client) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); client.Timeout <= 0 || ok && time.Until(end) < client.Timeout {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, client.Timeout)
}

// userAgent is "exo-go/" and the version of this module in the program.
var userAgent = sync.OnceValue(func() string { return "exo-go/" + Version() })
