package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
	"go.uber.org/zap"

	"github.com/exospherehost/exo-go/exo"
)

// connection are the flags of the commands that talk to a state manager.
func connection() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "url", Usage: "`URL` of the state manager", DefaultText: "$EXOSPHERE_STATE_MANAGER_URI"},
		&cli.StringFlag{Name: "api-key", Usage: "`KEY` to authenticate with; other users of the machine can see it, unlike the variable", DefaultText: "$EXOSPHERE_API_KEY"},
		&cli.StringFlag{Name: "namespace", Aliases: []string{"n"}, Usage: "`NAMESPACE` to work in", DefaultText: "$EXOSPHERE_NAMESPACE"},
	}
}

// flags puts lists of flags together.
func flags(lists ...[]cli.Flag) []cli.Flag { return slices.Concat(lists...) }

// idleTime is how long a connection is kept for the next call. A state manager
// may close it after five seconds (protocol.md §2).
const idleTime = 4 * time.Second

// A client is a connection to a state manager, for one command.
type client struct {
	*exo.StateManager
	http *http.Transport
}

// newClient makes the client that the flags ask for. It does no I/O.
func newClient(env environment, c *cli.Command) (*client, error) {
	setting := func(flag, variable string) string {
		if c.IsSet(flag) {
			return c.String(flag)
		}
		return env.getenv(variable)
	}
	url, namespace := setting("url", "EXOSPHERE_STATE_MANAGER_URI"), setting("namespace", "EXOSPHERE_NAMESPACE")
	switch {
	case url == "":
		return nil, usageError{errors.New("no state manager: give --url, or set EXOSPHERE_STATE_MANAGER_URI")}
	case namespace == "":
		return nil, usageError{errors.New("no namespace: give --namespace, or set EXOSPHERE_NAMESPACE")}
	}
	connections := &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: idleTime}
	m, err := exo.NewStateManager(namespace, exo.WithURL(url), exo.WithAPIKey(setting("api-key", "EXOSPHERE_API_KEY")),
		exo.WithHTTPClient(&http.Client{Transport: connections}), exo.WithLogger(zap.NewNop()))
	if err != nil {
		return nil, usageError{err}
	}
	return &client{m, connections}, nil
}

// connected is the action of a command that talks to a state manager. names are
// those of its arguments. What the flags have in common is checked before act is
// called.
func connected(env environment, names []string, act func(ctx context.Context, c *cli.Command, m *exo.StateManager, args []string) error) cli.ActionFunc {
	return func(ctx context.Context, c *cli.Command) error {
		args, err := arguments(c, names...)
		if err != nil {
			return err
		}
		if err := errors.Join(checkOutput(c), checkTimeout(c)); err != nil {
			return err
		}
		m, err := newClient(env, c)
		if err != nil {
			return err
		}
		defer m.http.CloseIdleConnections()
		return act(ctx, c, m.StateManager, args)
	}
}

// pairs reads values of a flag of the form name=value.
func pairs(c *cli.Command, flag string) (map[string]string, error) {
	found := map[string]string{}
	for _, text := range c.StringSlice(flag) {
		name, value, err := pair(flag, text)
		if err != nil {
			return nil, err
		}
		if _, twice := found[name]; twice {
			return nil, usageError{fmt.Errorf("--%s: %q is given twice", flag, name)}
		}
		found[name] = value
	}
	return found, nil
}

// pair takes name=value apart. What it is wrong about may be a secret: it is not
// shown.
func pair(flag, text string) (name, value string, err error) {
	name, value, found := strings.Cut(text, "=")
	if !found || name == "" {
		return "", "", usageError{fmt.Errorf("--%s wants NAME=VALUE", flag)}
	}
	return name, value, nil
}
