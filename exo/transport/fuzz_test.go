package transport_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/exospherehost/exo-go/exo/transport"
)

// FuzzAnswers gives every call any answer: it must end with a result or with
// an *Error, which is bounded and does not show the key.
func FuzzAnswers(f *testing.F) {
	calls := exchanges()
	for i, e := range calls {
		f.Add(uint8(i), 200, e.answer, all, "")
		f.Add(uint8(i), 422, `{"detail":[{"loc":["body","nodes",0],"msg":"m"}]}`, all, "5")
		f.Add(uint8(i), 500, `{"success":false,"detail":"`+apiKey+`"}`, "", "Mon, 23 Nov 2026 02:00:05 GMT")
	}
	f.Add(uint8(0), 302, "", "wait,,", "-1")
	f.Fuzz(func(t *testing.T, which uint8, status int, body, extensions, retryAfter string) {
		if status < 200 || status > 999 {
			return // net/http does not let them through
		}
		e := calls[int(which)%len(calls)]
		var answer *http.Response
		ns := roundTrip(func(*http.Request) (*http.Response, error) { return answer, nil }).namespace("ns")
		answer = response(http.StatusOK, `{"message":"OK"}`)
		if _, err := ns.(transport.Extender).Extensions(t.Context()); err != nil {
			t.Fatal(err)
		}
		answer = response(status, body)
		answer.Header.Set("x-exosphere-extensions", extensions)
		answer.Header.Set("Retry-After", retryAfter)
		answer.Header.Set("Location", body)
		_, err := e.call(t.Context(), ns)
		if err == nil {
			// Beside success: no such key, and a value that is another.
			if status >= 300 && status != http.StatusNotFound && status != http.StatusConflict {
				t.Fatalf("%s takes %d for success", e.name, status)
			}
			return
		}
		var exoErr *transport.Error
		if !errors.As(err, &exoErr) {
			t.Fatalf("%s: %#v", e.name, err)
		}
		if len(exoErr.Message) > 1024 || exoErr.Message == "" && !strings.Contains(body, `"detail"`) || exoErr.Op == "" || exoErr.RetryAfter < 0 || exoErr.RetryAfter > 60e9 {
			t.Fatalf("%s: %#v", e.name, exoErr)
		}
		if utf8.ValidString(body) && !utf8.ValidString(exoErr.Message) {
			t.Fatalf("%s: %q", e.name, exoErr.Message)
		}
		if strings.Contains(err.Error(), apiKey) {
			t.Fatalf("%s: %v", e.name, err)
		}
	})
}
