package transport

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// maxWait is the longest that a state manager holds an answer
	// (protocol.md §13).
	maxWait = 30 * time.Second

	// callTimeout bounds a call by the default client. It leaves room for an
	// answer of full size after the longest wait.
	callTimeout = maxWait + 30*time.Second

	// idleTimeout is less than the 5 s after which the reference server closes
	// idle connections (protocol.md §2).
	idleTimeout = 4 * time.Second

	// idlePerHost keeps the connections of a burst of parallel calls.
	idlePerHost = 256
)

// defaultClient is the client of every HTTP value without one of its own, so
// that they share connections.
var defaultClient = sync.OnceValue(func() *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{
		Timeout: callTimeout,
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           dialer.DialContext,
			TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: maxWait + 15*time.Second,
			ExpectContinueTimeout: time.Second,
			IdleConnTimeout:       idleTimeout,
			MaxIdleConns:          4 * idlePerHost,
			MaxIdleConnsPerHost:   idlePerHost,
			ForceAttemptHTTP2:     true,
		},
	}
})

// userAgent is exo-go/ and the version of this module in the program.
var userAgent = sync.OnceValue(func() string { return "exo-go/" + Version() })
