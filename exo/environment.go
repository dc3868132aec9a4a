package exo

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/exospherehost/exo-go/exo/transport"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// The environment variables that every SDK reads (protocol.md §2).
const (
	envURL            = "EXOSPHERE_STATE_MANAGER_URI"
	envAPIKey         = "EXOSPHERE_API_KEY" //nolint:gosec // the name of a variable, not a key
	envLogLevel       = "EXOSPHERE_LOG_LEVEL"
	envDisableLogging = "EXOSPHERE_DISABLE_DEFAULT_LOGGING"
)

// complete sets from the environment what no option has set.
func (c *connection) complete() error {
	if c.logger == nil {
		l, err := defaultLogger()
		if err != nil {
			return err
		}
		c.logger = l
	}
	if c.sm != nil {
		return nil
	}
	if c.url == "" {
		c.url = os.Getenv(envURL)
	}
	if c.apiKey == "" {
		c.apiKey = os.Getenv(envAPIKey)
	}
	if c.url == "" {
		return errors.New("no state manager: use WithURL or WithStateManager, or set " + envURL)
	}
	h := &transport.HTTP{URL: c.url, APIKey: c.apiKey, Client: c.client}
	if err := h.Validate(); err != nil {
		return err
	}
	c.sm = h
	return nil
}

func defaultLogger() (*zap.Logger, error) {
	switch strings.ToLower(os.Getenv(envDisableLogging)) {
	case "", "0", "false", "no":
	default:
		return zap.NewNop(), nil
	}
	level, err := logLevel(os.Getenv(envLogLevel))
	if err != nil {
		return nil, err
	}
	enc := zap.NewProductionEncoderConfig()
	enc.EncodeTime = zapcore.ISO8601TimeEncoder
	core := zapcore.NewCore(zapcore.NewConsoleEncoder(enc), zapcore.Lock(os.Stderr), level)
	return zap.New(core).Named("exo"), nil
}

// logLevel parses a level by the names of the other SDKs or zap's.
func logLevel(name string) (zapcore.Level, error) {
	switch strings.ToUpper(name) {
	case "":
		return zapcore.InfoLevel, nil
	case "WARNING":
		return zapcore.WarnLevel, nil
	case "CRITICAL":
		return zapcore.ErrorLevel, nil
	}
	level, err := zapcore.ParseLevel(name)
	if err != nil {
		return level, fmt.Errorf("%s: %w (want DEBUG, INFO, WARNING, ERROR or CRITICAL)", envLogLevel, err)
	}
	return level, nil
}
