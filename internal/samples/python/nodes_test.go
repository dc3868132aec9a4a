package python_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exotest"
	"go.uber.org/zap"
)

// sample:basic
type Sample struct {
	Name string `json:"name"`
	Data string `json:"data"`
}

type Processed struct {
	Message string `json:"message"`
	Data    string `json:"processed_data"`
}

var SampleNode = exo.Node("SampleNode", func(ctx context.Context, in Sample, _ exo.None) (Processed, error) {
	exo.Logger(ctx).Info("processing", zap.String("name", in.Name))
	return Processed{Message: "success", Data: "completed:" + in.Data}, nil
})

// end sample

// sample:runtime
func run(ctx context.Context) error {
	return exo.Serve(ctx, "MyProject", "DataProcessor", exo.Nodes(SampleNode))
}

// end sample

func TestSampleNode(t *testing.T) {
	got := exotest.Run(t, SampleNode, Sample{Name: "first", Data: "x"}, exo.None{}).One(t)
	if want := (Processed{"success", "completed:x"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRun(t *testing.T) {
	t.Setenv("EXOSPHERE_STATE_MANAGER_URI", "")
	if err := run(t.Context()); err == nil || !strings.Contains(err.Error(), "EXOSPHERE_STATE_MANAGER_URI") {
		t.Errorf("error %v, want one that names the variable", err)
	}
}

// sample:default
type Excerpt struct {
	Text      string       `json:"text"`
	MaxLength exo.Val[int] `json:"max_length" jsonschema:"default=100"`
}

type Excerpted struct {
	Result string       `json:"result"`
	Length exo.Val[int] `json:"length"`
}

var ConfigurableNode = exo.Node("ConfigurableNode", func(_ context.Context, in Excerpt, _ exo.None) (Excerpted, error) {
	text := []rune(in.Text)
	text = text[:min(in.MaxLength.V, len(text))]
	return Excerpted{Result: string(text), Length: exo.Of(len(text))}, nil
})

// end sample

func TestConfigurableNode(t *testing.T) {
	long := strings.Repeat("é", 101)
	for limit, want := range map[string]int{"": 100, "5": 5, "500": 101} {
		inputs := map[string]string{"text": long}
		if limit != "" {
			inputs["max_length"] = limit
		}
		if got := exotest.RunFields(t, ConfigurableNode, inputs, nil).One(t); got.Length.V != want {
			t.Errorf("limit %q: length %v, want %d", limit, got.Length, want)
		}
	}
	if err := exotest.RunFields(t, ConfigurableNode, map[string]string{"text": "", "max_length": "x"}, nil).Err; err == nil {
		t.Error("no error for a length that is no number")
	}
}

// sample:error
var errTest = errors.New("this is a test error")

var RobustNode = exo.Node("RobustNode", func(context.Context, Sample, exo.None) (Processed, error) {
	return Processed{}, errTest
})

// end sample

// sample:error test
func TestRobustNode(t *testing.T) {
	g := exo.NewGraph("robust") // the default: three retries, after 2, 4 and 8 seconds
	exo.Add(g, "robust", RobustNode, Sample{})
	result := exotest.NewStateManager(t).Drive(t, g, exo.TriggerOptions{})
	exotest.WantFailure(t, result, "robust", "this is a test error")
	exotest.WantAttempts(t, result, "robust", 4)
}

// end sample

// sample:secrets
type Question struct {
	UserID string `json:"user_id"`
	Query  string `json:"query"`
}

type Answer struct {
	Response string `json:"response"`
	Status   string `json:"status"`
}

type API struct {
	Key      exo.Secret `json:"api_key"`
	Endpoint string     `json:"api_endpoint"`
	Database exo.Secret `json:"database_url"`
}

var APINode = exo.Node("APINode", func(ctx context.Context, in Question, api API) (Answer, error) {
	body, err := json.Marshal(map[string]string{"user_id": in.UserID, "query": in.Query})
	if err != nil {
		return Answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, api.Endpoint+"/process", bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+api.Key.Reveal())
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return Answer{}, err // tried again
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	switch {
	case err != nil:
		return Answer{}, err
	case res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests:
		return Answer{}, fmt.Errorf("the API answered %s", res.Status)
	case res.StatusCode >= 400:
		return Answer{}, exo.Permanent(fmt.Errorf("the API answered %s", res.Status))
	}
	return Answer{Response: string(text), Status: "success"}, nil
})

// end sample

func TestAPINode(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var question map[string]string
		switch err := json.NewDecoder(r.Body).Decode(&question); {
		case err != nil || r.URL.Path != "/process":
			w.WriteHeader(http.StatusBadRequest)
		case r.Header.Get("Authorization") != "Bearer k3y":
			w.WriteHeader(http.StatusForbidden)
		default:
			_, _ = fmt.Fprintf(w, `{"to": %q}`, question["query"]+" of "+question["user_id"])
		}
	}))
	defer api.Close()
	got := exotest.Run(t, APINode, Question{"7", "all"}, API{Key: "k3y", Endpoint: api.URL, Database: "db"}).One(t)
	if want := (Answer{`{"to": "all of 7"}`, "success"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	err := exotest.Run(t, APINode, Question{}, API{Key: "wr0ng", Endpoint: api.URL, Database: "db"}).Err
	if err == nil || !strings.Contains(err.Error(), "403") || strings.Contains(err.Error(), "wr0ng") {
		t.Errorf("error %v, want 403 without the key", err)
	}
	http.DefaultClient.CloseIdleConnections()
}
