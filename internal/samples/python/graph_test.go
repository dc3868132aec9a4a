package python_test

import (
	"context"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exotest"
)

// sample:manager
func manager() (*exo.StateManager, error) {
	return exo.NewStateManager("MyProject",
		exo.WithURL("https://state-manager.example.org"),
		exo.WithAPIKey("your-api-key"),
	)
}

func managerFromEnvironment() (*exo.StateManager, error) {
	return exo.NewStateManager("MyProject")
}

// end sample

// sample:types
type Source struct {
	Source string `json:"source"`
	Format string `json:"format"`
}

type Rows struct {
	Data string `json:"processed_data"`
}

type Check struct {
	Data  string `json:"data"`
	Rules string `json:"validation_rules"`
}

type Verdict struct {
	Verdict string `json:"verdict"`
}

type Access struct {
	Key      exo.Secret `json:"api_key"`
	Database exo.Secret `json:"database_url"`
}

// end sample

var (
	DataProcessor = exo.Node("DataProcessorNode", func(_ context.Context, in Source, _ Access) (Rows, error) {
		return Rows{in.Source + " as " + in.Format}, nil
	})
	DataValidator = exo.Node("DataValidatorNode", func(_ context.Context, in Check, _ exo.None) (Verdict, error) {
		return Verdict{in.Data + " is " + in.Rules}, nil
	})
)

// sample:graph
func workflow() (*exo.Graph, *exo.Step[Verdict]) {
	g := exo.NewGraph("my-workflow").
		Secrets(exo.Fields(Access{Key: "your-api-key", Database: "your-database-url"})).
		Retry(exo.RetryPolicy{MaxRetries: 3, Strategy: exo.Exponential, Backoff: 2 * time.Second, Exponent: 2}).
		Cron("0 9 * * 1-5", "0 */6 * * *")
	exo.DeclareStore[struct {
		BatchID   string `json:"batch_id"`
		Cursor    string `json:"cursor" jsonschema:"default=0"`
		BatchSize string `json:"batch_size" jsonschema:"default=100"`
	}](g)

	rows := exo.Add(g, "data_processor", DataProcessor, Source{Source: "initial", Format: "json"})
	verdict := exo.Add(g, "data_validator", DataValidator, Check{
		Data:  rows.Out.Data,
		Rules: "initial",
	}, exo.After(rows))
	return g, verdict
}

func createGraph(ctx context.Context, m *exo.StateManager) (*exo.GraphInfo, error) {
	g, _ := workflow()
	return m.UpsertGraph(ctx, g)
}

// end sample

// sample:trigger
func trigger(ctx context.Context, m *exo.StateManager) (*exo.Run, error) {
	return m.Trigger(ctx, "my-workflow", exo.TriggerOptions{
		Inputs: map[string]string{"source": "upload"},
		Store:  map[string]string{"batch_id": "2026-03", "cursor": "0"},
	})
}

// end sample

func TestWorkflow(t *testing.T) {
	exotest.Bubble(t, func(t *testing.T, sm *exotest.StateManager) {
		g, verdict := workflow()
		sm.Serve(t, g.Nodes())
		m := sm.Client(t)
		if _, err := createGraph(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		run, err := trigger(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		result, err := run.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		exotest.WantOutputs(t, result, verdict, Verdict{"upload as json is initial"})
		sm.WantStore(t, result, map[string]string{"batch_id": "2026-03", "cursor": "0", "batch_size": "100"})
	})
}

func TestManager(t *testing.T) {
	if _, err := manager(); err != nil {
		t.Error(err)
	}
	t.Setenv("EXOSPHERE_STATE_MANAGER_URI", "http://127.0.0.1:8000")
	t.Setenv("EXOSPHERE_API_KEY", "k")
	if _, err := managerFromEnvironment(); err != nil {
		t.Error(err)
	}
}
