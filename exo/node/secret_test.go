package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/exospherehost/exo-go/exo/node"
	"github.com/exospherehost/exo-go/exo/transport"
)

// No way of printing may show a secret, alone or inside of something else.
func TestSecretDoesNotShow(t *testing.T) {
	t.Parallel()
	const canary = "sk-canary"
	secret := node.Secret(canary)
	type holder struct {
		Key   node.Secret
		Keys  []node.Secret
		ByRef *node.Secret
		Map   map[string]node.Secret
		Any   any
	}
	values := map[string]any{
		"secret":  secret,
		"pointer": &secret,
		"struct":  holder{secret, []node.Secret{secret}, &secret, map[string]node.Secret{"k": secret}, secret},
		"request": node.Request{Secrets: transport.Secrets{"key": canary}},
		"error":   fmt.Errorf("with %v, %s and %q", secret, secret, secret),
	}
	hex := fmt.Sprintf("%x", canary)
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := func(how, text string) {
				t.Helper()
				lower := strings.ToLower(text)
				if strings.Contains(text, canary) || strings.Contains(lower, hex) || strings.Contains(text, "115 107 45") {
					t.Errorf("%s shows it: %s", how, text)
				}
				if !strings.Contains(text, "[REDACTED]") && v == any(secret) {
					t.Errorf("%s does not say [REDACTED]: %s", how, text)
				}
			}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%c", "%U", "%t", "%e", "%20v", "%-20s", "%.3s", "%o", "%b"} {
				check(verb, fmt.Sprintf(verb, v))
			}
			check("Sprint", fmt.Sprint(v))
			check("Sprintln", fmt.Sprintln(v))

			raw, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			check("json", string(raw))

			var b bytes.Buffer
			for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
				slog.New(h).LogAttrs(context.Background(), slog.LevelInfo, "m", slog.Any("v", v), slog.Group("g", slog.Any("v", v)))
			}
			check("slog", b.String())

			b.Reset()
			config := zap.NewProductionEncoderConfig()
			for _, enc := range []zapcore.Encoder{zapcore.NewJSONEncoder(config), zapcore.NewConsoleEncoder(config)} {
				log := zap.New(zapcore.NewCore(enc, zapcore.AddSync(&b), zap.DebugLevel))
				log.Info("m", zap.Any("any", v), zap.Reflect("reflect", v), zap.Any("list", []any{v}))
				log.Sugar().Infow("m", "v", v)
				log.Sugar().Infof("%v %+v %s", v, v, v)
			}
			check("zap", b.String())
		})
	}
}

func TestSecretForms(t *testing.T) {
	t.Parallel()
	s := node.Secret("canary")
	text, err := s.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{s.String(), s.GoString(), string(text), s.LogValue().String()} {
		if got != "[REDACTED]" {
			t.Errorf("got %q", got)
		}
	}
	if s.Reveal() != "canary" {
		t.Errorf("got %q", s.Reveal())
	}
}

// The codec alone carries it in plain, both ways.
func TestSecretTravelsInPlain(t *testing.T) {
	t.Parallel()
	type token struct {
		Token node.Secret `json:"token"`
	}
	n := mustOne(t, func(_ context.Context, in token, sec token) (token, error) {
		return token{in.Token + "+" + sec.Token}, nil
	})
	got, err := n.Execute(t.Context(), &node.Request{Inputs: transport.Object(`{"token":"a\n"}`), Secrets: transport.Secrets{"token": "b"}})
	if err != nil || len(got) != 1 || string(got[0]) != `{"token":"a\n+b"}` {
		t.Errorf("got %s, %v", got, err)
	}
}
