package exoslog_test

import (
	"log/slog"
	"os"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/exoslog"
	"go.uber.org/zap"
)

// A program that logs by slog hands its handler to a runtime.
func Example() {
	handler := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{} // so that the output is always the same
			}
			return a
		},
	})
	logger := exoslog.New(handler)
	_ = exo.WithLogger(logger) // for exo.NewRuntime, exo.NewStateManager or exo.Serve

	logger.With(zap.String("node", "Save")).Named("worker").Warn("slow", zap.Namespace("took"), zap.Int("ms", 40))
	// Output:
	// level=WARN msg=slow node=Save logger=worker took.ms=40
}
