package httpapi

import (
	"slices"

	"github.com/exospherehost/exo-go/exo/transport"
)

// graphAnswer is a graph as it is read (protocol.md §4). Of the secrets it has
// the names.
type graphAnswer struct {
	transport.GraphInfo
	Secrets     map[string]bool   `json:"secrets"`
	RetryPolicy retryPolicyAnswer `json:"retry_policy"`
	CreatedAt   stamp             `json:"created_at"`
	UpdatedAt   stamp             `json:"updated_at"`
}

type retryPolicyAnswer struct {
	MaxRetries    int                     `json:"max_retries"`
	Strategy      transport.RetryStrategy `json:"strategy"`
	BackoffFactor int64                   `json:"backoff_factor"`
	Exponent      int                     `json:"exponent"`
	MaxDelay      *int64                  `json:"max_delay"`
}

func newGraphAnswer(g transport.GraphInfo) graphAnswer {
	g.Nodes, g.Triggers, g.Errors = slices.Clone(g.Nodes), orEmptyList(g.Triggers), orEmptyList(g.Errors)
	for i := range g.Nodes {
		p := &g.Nodes[i]
		p.Inputs, p.Next = orEmptyMap(p.Inputs), orEmptyList(p.Next)
	}
	g.Store = transport.StoreConfig{
		RequiredKeys:  orEmptyList(g.Store.RequiredKeys),
		DefaultValues: orEmptyMap(g.Store.DefaultValues),
	}
	a := graphAnswer{
		GraphInfo: g, Secrets: make(map[string]bool, len(g.SecretNames)),
		RetryPolicy: retryPolicyAnswer{
			MaxRetries: g.Retry.MaxRetries, Strategy: g.Retry.Strategy,
			BackoffFactor: g.Retry.Backoff.Milliseconds(), Exponent: g.Retry.Exponent,
		},
		CreatedAt: stamp(g.CreatedAt), UpdatedAt: stamp(g.UpdatedAt),
	}
	for _, name := range g.SecretNames {
		a.Secrets[name] = true
	}
	if g.Retry.MaxDelay > 0 {
		ms := g.Retry.MaxDelay.Milliseconds()
		a.RetryPolicy.MaxDelay = &ms
	}
	return a
}

type graphsAnswer struct {
	Namespace string        `json:"namespace"`
	Count     int           `json:"count"`
	Templates []graphAnswer `json:"templates"`
}

// orEmptyMap gives a map that is written as {} and not as null.
func orEmptyMap(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
