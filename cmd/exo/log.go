package main

import (
	"fmt"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newLogger logs to standard error.
func newLogger(env environment, level, format string) (*zap.Logger, error) {
	if level == "" {
		level = env.getenv("EXOSPHERE_LOG_LEVEL")
	}
	if level == "" {
		level = "info"
	}
	// Other SDKs write levels in capitals, and WARNING for warn.
	at, err := zapcore.ParseLevel(strings.TrimSuffix(strings.ToLower(level), "ing"))
	if err != nil {
		return nil, usageError{fmt.Errorf("log level %q is none of debug, info, warn and error", level)}
	}
	var encoder zapcore.Encoder
	switch format {
	case "console":
		c := zap.NewDevelopmentEncoderConfig()
		encoder = zapcore.NewConsoleEncoder(c)
	case "json":
		c := zap.NewProductionEncoderConfig()
		c.EncodeTime = zapcore.RFC3339NanoTimeEncoder
		encoder = zapcore.NewJSONEncoder(c)
	default:
		return nil, usageError{fmt.Errorf("log format %q is neither console nor json", format)}
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(env.stderr)), at)), nil
}
