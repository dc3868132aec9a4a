package exo_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/node"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// canary is a secret that looks different wherever it is quoted or escaped, but
// for core, or for its base64.
const (
	core   = "c4nary"
	canary = "s3/cr3t+ \"" + core + "\"\n<&>\\äß ?%"
)

// shows reports whether a text gives the canary away.
func shows(text string) bool {
	return strings.Contains(text, core) ||
		strings.Contains(text, base64.RawStdEncoding.EncodeToString([]byte(canary))) ||
		strings.Contains(text, base64.RawURLEncoding.EncodeToString([]byte(canary)))
}

// A sink gathers what leaves the runtime.
type sink struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *sink) Sync() error { return nil }

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// exits are all the ways out of a runtime, each with what came out there.
type exits struct{ json, console, quiet, hooks, requests, page sink }

func (x *exits) all() map[string]string {
	return map[string]string{
		"log (JSON)": x.json.String(), "log (console)": x.console.String(), "log (errors alone)": x.quiet.String(),
		"trace": x.hooks.String(), "requests": x.requests.String(), "health page": x.page.String(),
	}
}

// logger writes to three sinks, one of which takes errors alone.
func (x *exits) logger() *zap.Logger {
	config := zap.NewProductionEncoderConfig()
	return zap.New(zapcore.NewTee(
		zapcore.NewCore(zapcore.NewJSONEncoder(config), &x.json, zap.DebugLevel),
		zapcore.NewCore(zapcore.NewConsoleEncoder(config), &x.console, zap.DebugLevel),
		zapcore.NewCore(zapcore.NewJSONEncoder(config), &x.quiet, zap.ErrorLevel),
	), zap.AddStacktrace(zap.WarnLevel), zap.AddCaller())
}

func (x *exits) trace() *exo.Trace {
	return &exo.Trace{
		Claimed: func(_, _ int, _ time.Duration, err error) { _, _ = fmt.Fprintf(&x.hooks, "%+v\n", err) },
		Started: func(_ context.Context, i node.Info) context.Context {
			_, _ = fmt.Fprintf(&x.hooks, "%+v\n", i)
			return nil
		},
		Finished: func(_ context.Context, i node.Info, o exo.Outcome, _ time.Duration) {
			_, _ = fmt.Fprintf(&x.hooks, "%+v %+v %#v\n", i, o, o.Err)
		},
		Reported: func(_ context.Context, i node.Info, o exo.Outcome, _ time.Duration, err error) {
			_, _ = fmt.Fprintf(&x.hooks, "%+v %+v %+v %#v\n", i, o, err, err)
		},
	}
}

type credentials struct{ Key *string }

func (c credentials) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("key", *c.Key)
	enc.AddBinary("raw", []byte(*c.Key))
	return enc.AddReflected("again", c.Key)
}

// What a node may do with a secret, on purpose or not.
var leaks = map[string]func(ctx context.Context, k string) (Text, error){
	"error":  func(_ context.Context, k string) (Text, error) { return Text{}, errors.New("bad key " + k) },
	"quoted": func(_ context.Context, k string) (Text, error) { return Text{}, fmt.Errorf("bad key %q, %+q", k, k) },
	"wrapped": func(_ context.Context, k string) (Text, error) {
		return Text{}, exo.Permanent(fmt.Errorf("call: %w", errors.New(k)))
	},
	"joined": func(_ context.Context, k string) (Text, error) {
		return Text{}, errors.Join(errors.New("first"), errors.New(k))
	},
	"URL": func(_ context.Context, k string) (Text, error) {
		u := url.URL{Scheme: "https", Host: "api.test", Path: "/" + k, RawQuery: url.Values{"key": {k}}.Encode()}
		return Text{}, &url.Error{Op: "Get", URL: u.String(), Err: errors.New("path " + url.PathEscape(k))}
	},
	"JSON": func(_ context.Context, k string) (Text, error) {
		var plain bytes.Buffer
		enc := json.NewEncoder(&plain)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(k); err != nil {
			return Text{}, err
		}
		escaped, err := json.Marshal(map[string]string{"key": k})
		return Text{}, fmt.Errorf("%s %s %w", plain.String(), escaped, err)
	},
	"basic auth": func(_ context.Context, k string) (Text, error) {
		return Text{}, errors.New("Authorization: " + base64.StdEncoding.EncodeToString([]byte(k)) + " " + base64.URLEncoding.EncodeToString([]byte(k)))
	},
	"panic":       func(_ context.Context, k string) (Text, error) { panic(k) },
	"panic error": func(_ context.Context, k string) (Text, error) { panic(fmt.Errorf("no: %w", errors.New(k))) },
	"panic value": func(_ context.Context, k string) (Text, error) { panic(struct{ K string }{k}) },
	"panic in Error": func(_ context.Context, k string) (Text, error) {
		return Text{}, fmt.Errorf("%w", secretive(k))
	},
	"prune without JSON": func(_ context.Context, k string) (Text, error) {
		return Text{}, exo.Prune(map[string]any{"x": failingJSON(k)})
	},
	"time-out": func(ctx context.Context, k string) (Text, error) {
		<-ctx.Done()
		return Text{}, fmt.Errorf("with %s: %w", k, ctx.Err())
	},
	"overdue": func(_ context.Context, k string) (Text, error) {
		time.Sleep(10 * time.Minute)
		return Text{}, errors.New(k)
	},
	"log": func(ctx context.Context, k string) (Text, error) {
		l := exo.Logger(ctx).With(zap.String("with", k), zap.Any("with any", credentials{&k})).Named("node")
		fields := []zap.Field{
			zap.String("string", k), zap.Error(errors.New(k)), zap.NamedError("named", errors.New(k)), zap.Any("map", map[string]string{"k": k}),
			zap.ByteString("bytes", []byte(k)), zap.Binary("binary", []byte(k)), zap.Strings("strings", []string{k}), zap.Stringer("stringer", stringer(k)),
			zap.Any("pointer", &k), zap.Any("behind a pointer", credentials{&k}), zap.Any("raw", struct{ B []byte }{[]byte(k)}),
			zap.Object("object", credentials{&k}), zap.Inline(credentials{&k}), zap.Errors("errors", []error{errors.New(k)}),
			zap.Dict("dict", zap.String("k", k)), zap.Reflect("reflect", []any{map[string]any{"k": k}}),
		}
		l.Debug("key "+k, fields...)
		l.Error("key "+k, fields...)
		l.Sugar().Infow("key", "k", k, "creds", credentials{&k})
		l.Sugar().Warnf("key %q %v", k, k)
		return Text{}, nil
	},
}

// secretive panics with itself when it is asked what it says.
type secretive string

func (s secretive) Error() string { panic(string(s)) }

type failingJSON string

func (s failingJSON) MarshalJSON() ([]byte, error) { return nil, errors.New(string(s)) }

// A secret must not leave the runtime, whatever the node does with it: not in
// logs, errors, hooks and pages, and not to the state manager.
func TestSecretCanaries(t *testing.T) {
	t.Parallel()
	for name, leak := range leaks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *bubble) {
				x := &exits{}
				n := exo.Node("Call", func(ctx context.Context, _ exo.None, k key) (Text, error) { return leak(ctx, k.Key.Reveal()) }, exo.WithTimeout(time.Minute))
				g := exo.NewGraph("secret").Secrets(exo.Fields(key{canary})).Retry(exo.NoRetry())
				exo.Add(g, "call", n, exo.None{})
				result := b.leak(x, g, nil)
				for way, text := range x.all() {
					if shows(text) {
						t.Errorf("the secret shows in the %s: %s", way, text)
					}
				}
				if shows(fmt.Sprintf("%+v %v", result, result.Err())) {
					t.Errorf("the secret shows in the run: %+v", result)
				}
				if !strings.Contains(x.json.String()+x.hooks.String(), "[REDACTED]") {
					t.Error("nothing was redacted: the secret never came near")
				}
				if name == "log" && (strings.Contains(x.quiet.String(), `"level":"debug"`) || !strings.Contains(x.quiet.String(), `"level":"error"`)) {
					t.Errorf("levels are not kept: %s", x.quiet.String())
				}
			})
		})
	}
}

// The state manager sends back what it was sent, or what it knows.
func TestSecretCanariesInAnswers(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 400, 401, 404, 409, 413, 422, 500} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *bubble) {
				x := &exits{}
				n := exo.Node("Call", func(_ context.Context, _ exo.None, k key) (Text, error) { return Text{k.Key.Reveal()}, nil })
				g := exo.NewGraph("secret").Secrets(exo.Fields(key{canary})).Retry(exo.NoRetry())
				exo.Add(g, "call", n, exo.None{})
				times := 0
				b.leak(x, g, func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if !strings.HasSuffix(r.URL.Path, "/executed") || times >= 3 {
							next.ServeHTTP(w, r)
							return
						}
						times++
						body, err := io.ReadAll(r.Body)
						if err != nil {
							t.Error(err)
						}
						w.WriteHeader(status)
						if times == 1 {
							_, _ = w.Write(body)
							return
						}
						_ = json.NewEncoder(w).Encode(map[string]string{"detail": "cannot take " + string(body) + " " + canary})
					})
				})
				for way, text := range x.all() {
					if way != "requests" && shows(text) { // the node gave it as an output
						t.Errorf("the secret shows in the %s: %s", way, text)
					}
				}
			})
		})
	}
}

// leak runs a graph over HTTP, and gathers what comes out of the runtime.
func (b *bubble) leak(x *exits, g *exo.Graph, wrap func(http.Handler) http.Handler) *exo.RunResult {
	b.t.Helper()
	s := newServer(b.sm)
	handler := b.sm.Handler(apiKey)
	if wrap != nil {
		handler = wrap(handler)
	}
	s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			b.t.Error(err)
		}
		_, _ = fmt.Fprintf(&x.requests, "%s %v %s\n", r.URL, r.Header, body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		handler.ServeHTTP(w, r)
	}))
	sm, _ := s.http(nil)
	w := b.workerOn(sm, nil, g.Nodes(), exo.WithLogger(x.logger()), exo.WithTrace(x.trace()), exo.WithLease(30*time.Minute))
	r := b.trigger(g)
	result := b.wait(r)
	rec := httptest.NewRecorder()
	w.HealthHandler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/exo/ready", http.NoBody))
	_, _ = fmt.Fprintf(&x.page, "%s %+v", rec.Body, w.Stats())
	w.stopped()
	return result
}
