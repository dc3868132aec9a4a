package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/exospherehost/exo-go/exo/transport"
)

func asError(err error, e **transport.Error) bool { return errors.As(err, e) }

func TestErrorAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		status     int
		message    string // a whole message, or the start of one that ends in …
		is         error
		temporary  bool
	}{
		{"detail", `{"detail":"Invalid API key"}`, 401, "Invalid API key", transport.ErrUnauthorized, false},
		{"not found", `{"detail":"State not found"}`, 404, "State not found", transport.ErrNotFound, false},
		{"conflict", `{"detail":"Duplicate retry state detected"}`, 409, "Duplicate retry state detected", transport.ErrConflict, false},
		{"unsupported", `{"detail":"no"}`, 501, "no", transport.ErrUnsupported, false},
		{"unhandled", `{"success":false,"detail":"internal server error"}`, 500, "internal server error", nil, true},
		{
			"fields", `{"detail":[{"type":"missing","loc":["body","nodes",0,"secrets"],"msg":"Field required","input":{"secret":"never"}},` +
				`{"type":"int_parsing","loc":["body","batch_size"],"msg":"Input should be a valid integer","input":"abc"}]}`, 422,
			"body.nodes.0.secrets: Field required; body.batch_size: Input should be a valid integer", nil, false,
		},
		{"field without a place", `{"detail":[{"msg":"No"}]}`, 422, "No", nil, false},
		{"detail of another shape", `{"detail": {"a": 1}}`, 400, `{"a": 1}`, nil, false},
		{"no fields", `{"detail":[]}`, 400, "[]", nil, false},
		{"lines", `{"detail":"one\ntwo"}`, 400, "one\ntwo", nil, false},
		{"HTML", "<html>\n <h1>Bad \t Gateway</h1>\n</html>", 502, "502 Bad Gateway: <html> <h1>Bad Gateway</h1> </html>", nil, true},
		{"JSON without detail", `{"error":"x"}`, 403, `403 Forbidden: {"error":"x"}`, nil, false},
		{"an ingress without a backend", "404 page not found\n", 404, "404 Not Found: 404 page not found", transport.ErrForeignAnswer, true},
		{"a web server in its place", "<html>no</html>", 405, "405 Method Not Allowed: <html>no</html>", transport.ErrForeignAnswer, true},
		{"a gateway's JSON", `{"message":"no Route matched"}`, 404, `404 Not Found: {"message":"no Route matched"}`, transport.ErrForeignAnswer, true},
		{"truncated", `{"detail":"Inv`, 400, `400 Bad Request: {"detail":"Inv`, nil, false},
		{"empty", ``, 503, "503 Service Unavailable", nil, true},
		{"unknown status", ``, 599, "599", nil, true},
		{"not text", "\xff\xfe\x00\x01", 500, "500 Internal Server Error: \ufffd", nil, true},
		{"too many", ``, 429, "429 Too Many Requests", nil, true},
		{"too early", ``, 425, "425 Too Early", nil, true},
		{"time-out", ``, 408, "408 Request Timeout", nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("x-exosphere-request-id", "made-by-the-server")
				replies(tt.status, tt.body)(w, r)
			})
			_, err := p.namespace("ns").Nodes(t.Context())
			var e *transport.Error
			if !errors.As(err, &e) {
				t.Fatalf("%#v is no *Error", err)
			}
			if e.Op != "nodes" || e.Status != tt.status || e.Message != tt.message || e.RequestID != "made-by-the-server" {
				t.Errorf("%#v\nwant status %d, message %q", e, tt.status, tt.message)
			}
			if e.Temporary() != tt.temporary {
				t.Errorf("Temporary() = %v", e.Temporary())
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("is not %v", tt.is)
			}
			if foreign := errors.Is(err, transport.ErrForeignAnswer); foreign && errors.Is(err, transport.ErrNotFound) {
				t.Error("a foreign answer is ErrNotFound")
			}
			if want := "nodes: " + tt.message + " (request made-by-the-server)"; err.Error() != want {
				t.Errorf("%q, want %q", err.Error(), want)
			}
		})
	}
}

func TestMessagesAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 3000)
	bodies := map[string]string{
		"detail":  `{"detail":"x` + long + `"}`,
		"fields":  `{"detail":[` + strings.Repeat(`{"loc":["body","`+long+`"],"msg":"m"},`, 20) + `{"loc":["body"],"msg":"m"}]}`,
		"garbage": "x" + long,
		"object":  `{"detail":{"x":"` + long + `"}}`,
	}
	for name, body := range bodies {
		for _, status := range []int{200, 400} {
			p := newPeer(t, replies(status, body))
			_, err := p.namespace("ns").Nodes(t.Context())
			var e *transport.Error
			if !errors.As(err, &e) || len(e.Message) > 1024 || len(e.Message) < 500 || !utf8.ValidString(e.Message) {
				t.Errorf("%s, %d: %d bytes: %v", name, status, len(e.Message), err)
			}
		}
	}
}

func TestSuccessThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "<html>hello</html>", "null", "[]", `"x"`, "17", `{}`, `{"run_id":`, `{"run_id":"r"} trailing`, `{"run_id":5}`, "\x00"} {
		p := newPeer(t, replies(http.StatusOK, body))
		_, err := p.namespace("ns").Trigger(t.Context(), "g", transport.TriggerSpec{})
		var e *transport.Error
		if !errors.As(err, &e) || e.Status != http.StatusOK || !e.Temporary() || !strings.Contains(e.Message, "cannot read the response") {
			t.Errorf("%q: %#v", body, err)
		}
	}
}

// Every call must see that an answer is not the state manager's, such as that
// of a proxy which wants a log-in.
func TestNoCallTakesGarbageForSuccess(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"<html>Log in</html>", "[]", ""} {
		var answer string
		ns := roundTrip(func(*http.Request) (*http.Response, error) { return response(http.StatusOK, answer), nil }).namespace("ns")
		answer = `{"message":"OK"}`
		if _, err := ns.(transport.Extender).Extensions(t.Context()); err != nil {
			t.Fatal(err)
		}
		answer = body
		for _, e := range exchanges() {
			if got, err := e.call(t.Context(), ns); err == nil {
				t.Errorf("%s takes %q for %v", e.name, body, got)
			}
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := newPeer(t, replies(http.StatusOK, `{"nodes":[]}`))
	for _, status := range []int{301, 302, 303, 307, 308} {
		p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, strings.Replace(elsewhere.URL, "http://", "http://user:hidden@", 1)+"/login?token=hidden", status)
		})
		ns := p.namespace("ns")
		for _, err := range []error{errOf(ns.Nodes(t.Context())), errOf(ns.Trigger(t.Context(), "g", transport.TriggerSpec{}))} {
			var e *transport.Error
			if !errors.As(err, &e) || e.Status != status || e.Temporary() || !strings.Contains(e.Message, elsewhere.URL+"/login") ||
				!strings.Contains(e.Message, "not followed") || strings.Contains(e.Message, "hidden") {
				t.Errorf("%d: %v", status, err)
			}
		}
	}
	if r := elsewhere.seen(); len(r) != 0 {
		t.Errorf("followed: %v", r)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	const limit = 16 << 20
	pad := func(n int) string { return `{"nodes":[]` + strings.Repeat(" ", n-len(`{"nodes":[]}`)) + `}` }
	for _, announced := range []bool{true, false} {
		for _, size := range []int{limit, limit + 1} {
			p := newPeer(t, func(w http.ResponseWriter, _ *http.Request) {
				if announced {
					w.Header().Set("Content-Length", fmt.Sprint(size))
				}
				_, _ = io.WriteString(w, pad(size)) // the client may have gone
			})
			_, err := p.namespace("ns").Nodes(t.Context())
			var e *transport.Error
			switch {
			case size == limit && err != nil:
				t.Errorf("%d bytes, announced %v: %v", size, announced, err)
			case size > limit && (!errors.As(err, &e) || e.Temporary() || !strings.Contains(e.Message, "larger than 16 MiB")):
				t.Errorf("%d bytes, announced %v: %v", size, announced, err)
			}
		}
	}
}

func TestAnswerCutShort(t *testing.T) {
	t.Parallel()
	p := newPeer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"status":"EXE`)
	})
	_, err := report(t.Context(), p.namespace("ns"), transport.Report{StateID: "s", Outcome: transport.Executed{}})
	var e *transport.Error
	if !errors.As(err, &e) || e.Status != 0 || !e.Temporary() || !errors.Is(err, io.ErrUnexpectedEOF) || !uuid4.MatchString(e.RequestID) {
		t.Errorf("%#v", err)
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := transport.HTTP{URL: server.URL, APIKey: apiKey}.Namespace("ns").Nodes(t.Context())
	var e *transport.Error
	var refused *net.OpError
	if !errors.As(err, &e) || e.Status != 0 || !e.Temporary() || e.Op != "nodes" || !errors.As(err, &refused) {
		t.Errorf("%#v", err)
	}
	if want := "no response from " + server.URL + ": "; !strings.Contains(err.Error(), want) {
		t.Errorf("%q does not say %q", err, want)
	}
}

// A kept connection that the other side closes while a call that writes is under
// way is the caller's business: the call may have been taken.
func TestConnectionClosedUnderACall(t *testing.T) {
	t.Parallel()
	p := newPeer(t, replies(http.StatusOK, `{"status":"EXECUTED","nodes":[]}`))
	ns := p.namespace("ns")
	if _, err := ns.Nodes(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.seen()
	p.answer = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	_, err := report(t.Context(), ns, transport.Report{StateID: "s", Outcome: transport.Executed{}})
	var e *transport.Error
	if !errors.As(err, &e) || e.Status != 0 || !e.Temporary() {
		t.Errorf("%#v", err)
	}
	if r := p.seen(); len(r) != 1 {
		t.Errorf("sent %d times", len(r))
	}
}

func TestContextErrorsStayVisible(t *testing.T) {
	t.Parallel()
	hang := roundTrip(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, context.Cause(r.Context())
	})
	cause := errors.New("the lease is lost")
	cancelled, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := hang.namespace("ns").Nodes(cancelled)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		late, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := hang.namespace("ns").Nodes(late)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
	p := newPeer(t, replies(http.StatusOK, `{"nodes":[]}`))
	if _, err := p.namespace("ns").Nodes(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	tests := []struct {
		header, date string
		want         time.Duration
	}{
		{"", "", 0},
		{"7", "", 7 * time.Second},
		{" 7 ", "", 7 * time.Second},
		{"0", "", 0},
		{"61", "", time.Minute},
		{"99999999999999999999999", "", time.Minute},
		{"-1", "", 0},
		{"1.5", "", 0},
		{"soon", "", 0},
		{"Mon, 23 Nov 2026 02:00:05 GMT", "Mon, 23 Nov 2026 02:00:00 GMT", 5 * time.Second},
		{"Mon, 23 Nov 2026 03:00:05 GMT", "Mon, 23 Nov 2026 02:00:00 GMT", time.Minute},
		{"Mon, 23 Nov 2026 01:00:00 GMT", "Mon, 23 Nov 2026 02:00:00 GMT", 0},
		{"Sat, 01 Jan 2000 00:00:30 GMT", "garbage", 30 * time.Second}, // the bubble's clock
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) { // begins at 2000-01-01 00:00:00 UTC
			ns := roundTrip(func(*http.Request) (*http.Response, error) {
				r := response(http.StatusTooManyRequests, "")
				r.Header.Set("Retry-After", tt.header)
				r.Header.Set("Date", tt.date)
				return r, nil
			}).namespace("ns")
			_, err := ns.Nodes(t.Context())
			var e *transport.Error
			if !errors.As(err, &e) || e.RetryAfter != tt.want {
				t.Errorf("%q at %q: %v, want %v", tt.header, tt.date, e.RetryAfter, tt.want)
			}
		})
	}
}

func TestIsNotQueued(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("State is not queued"), false},
		{&transport.Error{Status: 400, Message: "State is not queued"}, true},
		{&transport.Error{Status: 400, Message: "State is not queued or executed"}, true},
		{&transport.Error{Status: 400, Message: "State is already executed"}, true},
		{fmt.Errorf("wrapped: %w", &transport.Error{Status: 400, Message: "State is not queued"}), true},
		{&transport.Error{Status: 404, Message: "State is not queued"}, false},
		{&transport.Error{Status: 400, Message: "Invalid input"}, false},
		{&transport.Error{Message: "State is not queued"}, false},
	}
	for _, tt := range tests {
		if got := transport.IsNotQueued(tt.err); got != tt.want {
			t.Errorf("IsNotQueued(%v) = %v", tt.err, got)
		}
	}
}

func TestURLsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	tests := []struct{ url, mention string }{
		{"", "no URL"},
		{"localhost:8000", "invalid URL"},
		{"localhost", "invalid URL"},
		{"ftp://localhost", "invalid URL"},
		{"http://", "invalid URL"},
		{"http:///v0", "invalid URL"},
		{"http://hidden\x7f@localhost", "invalid URL"},
		{"http://local host:hidden", "invalid URL"},
		{"http://localhost:hidden", "invalid URL"},
		{"http://%zzhidden", "invalid URL"},
		{"http://hidden@localhost", "user information"},
		{"http://user:hidden@localhost", "user information"},
		{"http://localhost?key=hidden", "query"},
		{"http://localhost?", "query"},
		{"http://localhost#hidden", "fragment"},
	}
	for _, tt := range tests {
		h := &transport.HTTP{URL: tt.url, APIKey: apiKey}
		_, err := h.Namespaces(t.Context())
		for _, err := range []error{err, errOf(h.Namespace("ns").Nodes(t.Context())), errOf(h.Namespace("ns").(transport.StoreBackend).StoreAll(t.Context(), "s"))} {
			checkRefused(t, err, tt.mention)
			if err != nil && strings.Contains(err.Error(), "hidden") {
				t.Errorf("%q shows what may be secret: %v", tt.url, err)
			}
		}
	}
	h := &transport.HTTP{URL: "http://localhost", APIKey: "line-break-at-the-end\n"}
	checkRefused(t, errOf(h.Namespace("ns").Nodes(t.Context())), "APIKey")
}

func TestURLsWithAPath(t *testing.T) {
	t.Parallel()
	p := newPeer(t, replies(http.StatusOK, `{"nodes":[]}`))
	for suffix, want := range map[string]string{
		"":            "/v0/namespace/a%20b/nodes/",
		"/":           "/v0/namespace/a%20b/nodes/",
		"/x/y/":       "/x/y/v0/namespace/a%20b/nodes/",
		"/x%20y%2Fz/": "/x%20y%2Fz/v0/namespace/a%20b/nodes/",
	} {
		h := transport.HTTP{URL: p.URL + suffix, Client: p.Client()}
		if _, err := h.Namespace("a b").Nodes(t.Context()); err != nil {
			t.Error(err)
		}
		if r := p.seen(); len(r) != 1 || r[0].URI != want || len(r[0].Header["X-Api-Key"]) != 0 {
			t.Errorf("%q: sent %v, want %s without a key", suffix, r, want)
		}
	}
}
