// Command secrets calls an HTTP API that wants a key. The key is a secret of the
// graph: it is handed to the node that declares it, and shows up nowhere else.
//
//	go run ./examples/secrets [-wrong]
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/local"
	"go.uber.org/zap"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "secrets:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("secrets", flag.ContinueOnError)
	flags.SetOutput(stderr)
	wrong := flags.Bool("wrong", false, "use a key that the API does not take")
	if err := flags.Parse(args); err != nil {
		return err
	}

	key := rand.Text()
	api, err := startAPI(ctx, key)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.close()) }()
	if *wrong {
		key = rand.Text()
	}

	g, asked := graph(api.url, key)
	result, err := local.Run(ctx, g, exo.TriggerOptions{}, local.WithLogger(zap.NewNop()))
	if err != nil {
		return err
	}
	weather, err := exo.Output(result, asked)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "The weather in %s: %s\nThe key that was used: %v\n", weather.City, weather.Text, weather.Key)
	return err
}

func graph(api, key string) (*exo.Graph, *exo.Step[Weather]) {
	g := exo.NewGraph("secrets").
		Secrets(exo.Fields(Credentials{Key: exo.Secret(key)})).
		Retry(exo.NoRetry())
	asked := exo.Add(g, "ask", ask, Question{API: api, City: "Oslo"})
	return g, asked
}

type (
	// Question is what to ask, and whom.
	Question struct {
		API  string `json:"api"`
		City string `json:"city"`
	}
	// Credentials are the secrets that the node declares, as its third type. A
	// Secret shows itself as [REDACTED], whoever prints it.
	Credentials struct {
		Key exo.Secret `json:"weather_key"`
	}
	// Weather is the response.
	Weather struct {
		City string `json:"city"`
		Text string `json:"text"`
		Key  string `json:"key"`
	}
)

var ask = exo.Node("Ask", func(ctx context.Context, in Question, sec Credentials) (Weather, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, in.API+"/weather/"+url.PathEscape(in.City), http.NoBody)
	if err != nil {
		return Weather{}, exo.Permanent(err)
	}
	req.Header.Set("Authorization", "Bearer "+sec.Key.Reveal()) // the one place that needs the text
	answer, err := client.Do(req)
	if err != nil {
		return Weather{}, err
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return Weather{}, err
	}
	if answer.StatusCode != http.StatusOK {
		// The API is careless and repeats the key. The runtime is not: where a
		// secret's text is found in an error, it is replaced.
		return Weather{}, fmt.Errorf("the weather service: %s: %s", answer.Status, strings.TrimSpace(string(text)))
	}
	return Weather{City: in.City, Text: string(text), Key: fmt.Sprint(sec.Key)}, nil
}, exo.WithTimeout(10*time.Second))

// client keeps no connection: the program ends after one call.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
