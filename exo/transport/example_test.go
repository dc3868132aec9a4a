package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/exospherehost/exo-go/exo/transport"
)

// A runtime registers its nodes, claims states and reports what became of them.
func ExampleHTTP() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path)
		switch r.URL.Path {
		case "/v0/namespace/shop/states/enqueue":
			_, _ = fmt.Fprint(w, `{"states":[{"state_id":"65f1","node_name":"Greet","identifier":"greet","inputs":{"name":"Ada"}}]}`)
		case "/v0/namespace/shop/state/65f1/executed":
			_, _ = fmt.Fprint(w, `{"status":"EXECUTED"}`)
		}
	}))
	defer server.Close()

	stateManager := &transport.HTTP{URL: server.URL, APIKey: "a-secret-key"}
	defer stateManager.CloseIdleConnections()

	ctx := context.Background()
	shop := stateManager.Namespace("shop")
	states, err := shop.Claim(ctx, transport.ClaimRequest{Nodes: []string{"Greet"}, Max: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range states {
		fmt.Println(s.Identifier, string(s.Inputs))
		errs := shop.Report(ctx, []transport.Report{{
			StateID: s.ID, Token: s.Token,
			Outcome: transport.Executed{Outputs: []transport.Object{transport.Object(`{"text":"Hello, Ada"}`)}},
		}})
		fmt.Println("errors:", errs)
	}
	// Output:
	// POST /v0/namespace/shop/states/enqueue
	// greet {"name":"Ada"}
	// POST /v0/namespace/shop/state/65f1/executed
	// errors: []
}

// The Client's Transport sees every call: the place for tracing, and for faults
// in tests.
func ExampleHTTP_client() {
	flaky := roundTripperFunc(func(*http.Request) (*http.Response, error) {
		return nil, errors.New("connection reset")
	})
	stateManager := &transport.HTTP{URL: "http://localhost:8000", Client: &http.Client{Transport: flaky}}
	_, err := stateManager.Namespace("shop").Nodes(context.Background())

	var e *transport.Error
	fmt.Println(errors.As(err, &e), e.Op, e.Temporary())
	fmt.Println(e.Message)
	// Output:
	// true nodes true
	// no response from http://localhost:8000: connection reset
}

type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func ExampleError() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprint(w, `{"detail":"Graph template nope not found in namespace shop"}`)
	}))
	defer server.Close()

	stateManager := &transport.HTTP{URL: server.URL, Client: server.Client()}
	_, err := stateManager.Namespace("shop").Graph(context.Background(), "nope")

	fmt.Println(errors.Is(err, transport.ErrNotFound))
	var e *transport.Error
	if errors.As(err, &e) {
		fmt.Println(e.Status, e.Message)
		fmt.Println("worth another attempt:", e.Temporary())
	}
	// Output:
	// true
	// 404 Graph template nope not found in namespace shop
	// worth another attempt: false
}

func ExampleSecrets() {
	fmt.Printf("%+v\n", transport.Secrets{"token": "t-456", "api_key": "k-123"})
	// Output: secrets[api_key:[REDACTED] token:[REDACTED]]
}

// readOnly is a transport of which only Nodes is wanted.
type readOnly struct {
	transport.Unimplemented
}

func (readOnly) Nodes(context.Context) ([]transport.NodeInfo, error) {
	return []transport.NodeInfo{{NodeSpec: transport.NodeSpec{Name: "Greet"}}}, nil
}

func ExampleUnimplemented() {
	var t transport.Transport = readOnly{}
	nodes, err := t.Nodes(context.Background())
	fmt.Println(len(nodes), err)

	_, err = t.Trigger(context.Background(), "g", transport.TriggerSpec{})
	fmt.Println(errors.Is(err, transport.ErrUnsupported), err)
	// Output:
	// 1 <nil>
	// true trigger: transport does not implement Trigger
}
