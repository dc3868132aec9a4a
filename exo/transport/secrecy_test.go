package transport_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/exospherehost/exo-go/exo/transport"
)

// shown is v in every form in which it may come to light.
func shown(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		t.Error(err)
	}
	slog.New(slog.NewTextHandler(&b, nil)).Info("text", "v", v)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("json", "v", v)
	return b.String()
}

func TestTheKeyIsNeverShown(t *testing.T) {
	t.Parallel()
	h := transport.HTTP{URL: "https://user:" + apiKey + "@localhost/base?key=" + apiKey, APIKey: apiKey}
	ns := h.Namespace("ns")
	values := map[string]any{
		"value":            h,
		"pointer":          &h,
		"in a struct":      struct{ H transport.HTTP }{h},
		"in a list":        []*transport.HTTP{&h},
		"in an interface":  map[string]transport.Provider{"h": h},
		"transport":        ns,
		"transport within": struct{ T transport.Transport }{ns},
	}
	for name, v := range values {
		if text := shown(t, v); strings.Contains(text, apiKey) || strings.Contains(text, fmt.Sprintf("%x", apiKey)) {
			t.Errorf("%s: %s", name, text)
		}
	}
	for _, v := range []any{h, &h} {
		if text := shown(t, v); !strings.Contains(text, "https://localhost/base") || !strings.Contains(text, "v0") {
			t.Errorf("does not say where it leads: %s", text)
		}
	}
	if text := fmt.Sprint(transport.HTTP{URL: "http://%zz" + apiKey}); strings.Contains(text, apiKey) {
		t.Error(text)
	}
}

// Something on the way may send back what it was sent.
func TestTheKeyIsNotInErrors(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(apiKey, 200)
	for _, status := range []int{200, 302, 400, 500} {
		for _, body := range []string{apiKey, `{"detail":"` + apiKey + `"}`, `{"detail":[{"loc":["` + apiKey + `"],"msg":"` + apiKey + `"}]}`, long, `{"detail":"` + long + `"}`, `{"detail":{"x":"` + long + `"}}`} {
			p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/"+apiKey)
				replies(status, body)(w, r)
			})
			ns := p.namespace("ns")
			for _, err := range []error{errOf(ns.Nodes(t.Context())), errOf(ns.Trigger(t.Context(), "g", transport.TriggerSpec{})), errOf(report(t.Context(), ns, executed(2)...))} {
				// Also the start of a key would be too much.
				if text := shown(t, err) + fmt.Sprint(err); err == nil || strings.Contains(text, apiKey[:8]) {
					t.Errorf("%d %.50s: %s", status, body, text)
				}
			}
		}
	}
}

// A short key is likely to be a part of words, and errors must stay readable.
func TestShortKeysDoNotGarbleErrors(t *testing.T) {
	t.Parallel()
	p := newPeer(t, replies(http.StatusBadRequest, `{"detail":"State is not queued"}`))
	ns := transport.HTTP{URL: p.URL, APIKey: "queue", Client: p.Client()}.Namespace("ns")
	if _, err := report(t.Context(), ns, executed(1)...); !transport.IsNotQueued(err) {
		t.Error(err)
	}
}

func TestSecretsAreNotInErrors(t *testing.T) {
	t.Parallel()
	const secret = "canary-secret-77"
	for _, answer := range []string{
		`{"secrets":{"token":"` + secret + `"`,
		`{"secrets":{"token":"` + secret + `"}} x`,
		`{"secret":{"token":"` + secret + `"}}`,
		`{"secrets":"` + secret + `"}`,
		`{"secrets":{"token":"` + secret + `"},"secrets":null}`,
		secret,
	} {
		p := newPeer(t, replies(http.StatusOK, answer))
		_, err := p.namespace("ns").Secrets(t.Context(), "s")
		if text := shown(t, err) + fmt.Sprint(err, errors.Unwrap(err)); err == nil || strings.Contains(text, secret) {
			t.Errorf("%s: %s", answer, text)
		}
	}
	// The state manager names what it was given for a field.
	p := newPeer(t, replies(http.StatusUnprocessableEntity, `{"detail":[{"type":"string_type","loc":["body","secrets","token"],"msg":"Input should be a valid string","input":"`+secret+`"}]}`))
	_, err := p.namespace("ns").PutGraph(t.Context(), "g", transport.GraphSpec{Secrets: transport.Secrets{"token": secret}})
	if text := shown(t, err); err == nil || strings.Contains(text, secret) || !strings.Contains(text, "body.secrets.token") {
		t.Error(text)
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	t.Parallel()
	const secret = "canary-secret-78"
	s := transport.Secrets{"token": secret, "key": secret}
	for name, v := range map[string]any{
		"secrets": s, "in a graph": transport.GraphSpec{Secrets: s}, "pointer": &s, "in a map": map[string]any{"s": s},
	} {
		if text := shown(t, v); strings.Contains(text, secret) || !strings.Contains(text, "token") {
			t.Errorf("%s: %s", name, text)
		}
	}
	if got := s.String(); got != "secrets[key:[REDACTED] token:[REDACTED]]" {
		t.Error(got)
	}
	if raw, err := json.Marshal(transport.Secrets(nil)); err != nil || string(raw) != "null" {
		t.Error(string(raw), err)
	}
}
