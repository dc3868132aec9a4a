package transport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exospherehost/exo-go/exo/transport"
)

// The default client is common to all, so its tests are not parallel.

func TestDefaultClientSharesConnections(t *testing.T) {
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(replies(http.StatusOK, `{"nodes":[]}`))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	h := transport.HTTP{URL: server.URL}
	defer h.CloseIdleConnections()
	for range 20 {
		again := transport.HTTP{URL: server.URL}
		for _, ns := range []transport.Transport{h.Namespace("a"), again.Namespace("b")} {
			if _, err := ns.Nodes(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("opened %d connections for calls one after another", n)
	}
}

func TestDefaultClientKeepsTheConnectionsOfABurst(t *testing.T) {
	const burst = 64
	var opened atomic.Int32
	var together sync.WaitGroup
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		together.Done()
		together.Wait() // so that each needs a connection
		replies(http.StatusOK, `{"nodes":[]}`)(w, r)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	h := transport.HTTP{URL: server.URL}
	defer h.CloseIdleConnections()
	for range 2 {
		together.Add(burst)
		var calls sync.WaitGroup
		for range burst {
			calls.Go(func() {
				if _, err := h.Namespace("ns").Nodes(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
	}
	// A connection may be opened and not be needed after all.
	if n := opened.Load(); n > burst+burst/2 {
		t.Errorf("opened %d connections for two bursts of %d", n, burst)
	}
}

func TestDefaultClientWantsTLS12(t *testing.T) {
	for version, want := range map[uint16]string{tls.VersionTLS11: "protocol version", tls.VersionTLS12: "certificate"} {
		server := httptest.NewUnstartedServer(replies(http.StatusOK, `{"nodes":[]}`))
		server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version}
		server.Config.ErrorLog = discardLog()
		server.StartTLS()
		_, err := transport.HTTP{URL: server.URL}.Namespace("ns").Nodes(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("TLS %x: %v, want a complaint of the %s", version, err, want)
		}
		server.Close()
	}
}

func TestHTTP2(t *testing.T) {
	t.Parallel()
	var proto atomic.Value
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto.Store(r.Proto)
		replies(http.StatusOK, anyAnswer)(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	ns := transport.HTTP{URL: server.URL, Client: server.Client()}.Namespace("ns")
	if _, err := report(t.Context(), ns, executed(1)...); err != nil {
		t.Fatal(err)
	}
	if proto.Load() != "HTTP/2.0" {
		t.Error(proto.Load())
	}
}

// A client's own settings hold, and are not changed.
func TestOwnClient(t *testing.T) {
	t.Parallel()
	elsewhere := newPeer(t, replies(http.StatusOK, `{"nodes":[]}`))
	p := newPeer(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) })
	followed := false
	client := &http.Client{
		Transport:     p.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { followed = true; return nil },
	}
	_, err := transport.HTTP{URL: p.URL, Client: client}.Namespace("ns").Nodes(t.Context())
	if err == nil || followed || len(elsewhere.seen()) > 0 || client.CheckRedirect == nil {
		t.Error(err, followed)
	}
}

// Cookies keep calls with one of several state managers behind a balancer.
func TestOwnCookies(t *testing.T) {
	t.Parallel()
	var came []string
	p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
		came = append(came, r.Header.Get("Cookie"))
		http.SetCookie(w, &http.Cookie{Name: "to", Value: strconv.Itoa(len(came))})
		replies(http.StatusOK, `{"nodes":[]}`)(w, r)
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	ns := transport.HTTP{URL: p.URL, Client: &http.Client{Transport: p.Client().Transport, Jar: jar}}.Namespace("ns")
	for range 3 {
		if _, err := ns.Nodes(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"", "to=1", "to=2"}; !slices.Equal(came, want) {
		t.Errorf("cookies %q, want %q", came, want)
	}
}

// The time-out of a client holds until the answer has been read, and where the
// caller's is earlier, that one.
func TestOwnTimeout(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ client, caller, want time.Duration }{
		"of the client":               {time.Minute, 0, time.Minute},
		"of the client, earlier":      {time.Minute, time.Hour, time.Minute},
		"of the caller, earlier":      {time.Minute, time.Second, time.Second},
		"of the caller alone":         {0, time.Second, time.Second},
		"of the caller, the same one": {time.Second, time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				slow := roundTrip(func(r *http.Request) (*http.Response, error) {
					answer := response(http.StatusOK, "")
					answer.Body = io.NopCloser(readerFunc(func([]byte) (int, error) {
						<-r.Context().Done()
						return 0, r.Context().Err()
					}))
					return answer, nil
				})
				ns := transport.HTTP{URL: "http://state-manager.test", Client: &http.Client{Transport: slow, Timeout: c.client}}.Namespace("ns")
				ctx := t.Context()
				if c.caller > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.caller)
					defer cancel()
				}
				started := time.Now()
				if _, err := ns.Nodes(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(started) != c.want {
					t.Errorf("%v after %v, want a deadline after %v", err, time.Since(started), c.want)
				}
			})
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// Round trippers of others may break their promises.
func TestRoundTripperWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	var e *transport.Error
	_, err := roundTrip(func(*http.Request) (*http.Response, error) { return nil, nil }).namespace("ns").Nodes(t.Context())
	if !errors.As(err, &e) || e.Status != 0 || !strings.Contains(err.Error(), "neither a response nor an error") {
		t.Errorf("no response: %v", err)
	}
	_, err = roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}}, nil
	}).namespace("ns").Nodes(t.Context())
	if !errors.As(err, &e) || e.Status != http.StatusOK || !e.Temporary() {
		t.Errorf("an answer without a body: %v", err)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	p := newPeer(t, speaks("wait", anyAnswer))
	ns := p.namespace("ns")
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			for range 20 {
				_, err := ns.Claim(t.Context(), transport.ClaimRequest{Nodes: []string{"A"}, Max: 1})
				errs := ns.Report(t.Context(), executed(3))
				if _, extErr := ns.(transport.Extender).Extensions(t.Context()); err != nil || errs != nil || extErr != nil {
					t.Error(err, errs, extErr)
				}
			}
		})
	}
	calls.Wait()
}
