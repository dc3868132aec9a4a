package recipes_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"github.com/exospherehost/exo-go/exo/transport"
)

// sample:shop
type Order struct {
	ID    string       `json:"id"`
	Cents exo.Val[int] `json:"cents"`
}

var (
	pay = exo.Node("Pay", func(_ context.Context, in Order, _ exo.None) (Order, error) {
		if in.Cents.V <= 0 {
			return Order{}, exo.Permanent(errors.New("nothing to pay"))
		}
		return in, nil // call the bank here, with exo.Info(ctx).RunID in the key
	})
	ship = exo.Node("Ship", func(context.Context, Order, exo.None) (exo.None, error) { return exo.None{}, nil })
)

func fulfilment() *exo.Graph {
	g := exo.NewGraph("fulfilment")
	paid := exo.Add(g, "pay", pay, Order{})
	exo.Add(g, "ship", ship, paid.Out, exo.After(paid))
	return g
}

// routes of the shop: an order starts a run, whose ID is that of the order.
func routes(in *local.Instance) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, r *http.Request) {
		var order Order
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&order); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		run, err := in.Trigger(r.Context(), "fulfilment", exo.TriggerOptions{Inputs: exo.Fields(order)})
		switch {
		case errors.Is(err, local.ErrDraining), errors.Is(err, local.ErrClosed):
			http.Error(w, "the shop is closing", http.StatusServiceUnavailable)
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		default:
			w.Header().Set("Location", "/orders/"+run.ID)
			w.WriteHeader(http.StatusAccepted)
		}
	})
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		steps, err := in.Run(r.PathValue("id")).Progress(r.Context())
		if errors.Is(err, transport.ErrNotFound) {
			http.NotFound(w, r)
			return
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		for _, s := range steps {
			_, _ = fmt.Fprintf(w, "%s: %d of %d done, %d failed\n", s.Step, s.Done(), s.Total(), s.Failed())
		}
	})
	mux.Handle("GET /exo/", in.Runtime().HealthHandler())
	return mux
}

// shop serves until ctx ends, and then lets the orders that it took be fulfilled.
func shop(ctx context.Context, listener net.Listener) error {
	in, err := local.Start(ctx, "shop", local.WithGraphs(fulfilment()), local.WithKeepRuns(10_000), local.DrainRuns())
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: routes(in), ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	return errors.Join(err, server.Shutdown(closing), in.Close(closing)) // in this order
}

// end sample

// sample:shop test
func TestShop(t *testing.T) {
	in, err := local.Start(t.Context(), "shop", local.WithGraphs(fulfilment()), quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := in.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	call := func(method, path, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		routes(in).ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return w
	}
	w := call("POST", "/orders", `{"id": "A-1", "cents": 1999}`)
	if w.Code != http.StatusAccepted {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	order := w.Header().Get("Location")
	if _, err := in.Run(strings.TrimPrefix(order, "/orders/")).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := call("GET", order, "").Body.String(); got != "pay: 1 of 1 done, 0 failed\nship: 1 of 1 done, 0 failed\n" {
		t.Error(got)
	}
}

// end sample

func TestShopMistakes(t *testing.T) {
	in, err := local.Start(t.Context(), "shop", local.WithGraphs(fulfilment()), quiet)
	if err != nil {
		t.Fatal(err)
	}
	call := func(method, path, body string) int {
		w := httptest.NewRecorder()
		routes(in).ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return w.Code
	}
	if code := call("POST", "/orders", "?"); code != http.StatusBadRequest {
		t.Errorf("not JSON: %d", code)
	}
	if code := call("GET", "/orders/7bc303fb-552d-4a0b-81bb-ebb94878e82e", ""); code != http.StatusNotFound {
		t.Errorf("unknown order: %d", code)
	}
	if code := call("GET", "/exo/ready", ""); code != http.StatusOK {
		t.Errorf("ready: %d", code)
	}
	if err := in.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if code := call("POST", "/orders", `{"id": "A-1", "cents": 1}`); code != http.StatusServiceUnavailable {
		t.Errorf("closed: %d", code)
	}
}

// An order that was taken before the signal is fulfilled.
func TestShopDrains(t *testing.T) {
	t.Setenv("EXOSPHERE_DISABLE_DEFAULT_LOGGING", "1")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, signal := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- shop(ctx, listener) }()
	response, err := http.Post("http://"+listener.Addr().String()+"/orders", "application/json", strings.NewReader(`{"id": "A-1", "cents": 1}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	signal()
	if err := <-ended; err != nil || response.StatusCode != http.StatusAccepted {
		t.Errorf("%v, %s", err, response.Status)
	}
}
