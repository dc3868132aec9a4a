package httpapi

import (
	"github.com/exospherehost/exo-go/exo/transport"
)

// graphAnswer is a graph as it is read (protocol.md §4). Of the secrets it has
// the names.
type graphAnswer struct {
	Nodes       []transport.Placement      `json:"nodes"`
	Secrets     map[string]bool            `json:"secrets"`
	RetryPolicy retryPolicyAnswer          `json:"retry_policy"`
	StoreConfig transport.StoreConfig      `json:"store_config"`
	Triggers    []cronAnswer               `json:"triggers"`
	CreatedAt   stamp                      `json:"created_at"`
	UpdatedAt   stamp                      `json:"updated_at"`
	Validation  transport.ValidationStatus `json:"validation_status"`
	Errors      []string                   `json:"validation_errors"`
	Version     int                        `json:"version,omitempty"`         // of extensions, as the next
	Serving     int                        `json:"serving_version,omitempty"` // absent if none serves
}

type retryPolicyAnswer struct {
	MaxRetries    int                     `json:"max_retries"`
	Strategy      transport.RetryStrategy `json:"strategy"`
	BackoffFactor int64                   `json:"backoff_factor"`
	Exponent      int                     `json:"exponent"`
	MaxDelay      *int64                  `json:"max_delay"`
}

type cronAnswer struct {
	Type  string `json:"type"`
	Value struct {
		Expression string `json:"expression"`
		Timezone   string `json:"timezone,omitempty"`
	} `json:"value"`
}

func newGraphAnswer(g *transport.GraphInfo) graphAnswer {
	a := graphAnswer{
		Nodes:   make([]transport.Placement, len(g.Nodes)),
		Secrets: make(map[string]bool, len(g.SecretNames)),
		RetryPolicy: retryPolicyAnswer{
			MaxRetries: g.Retry.MaxRetries, Strategy: g.Retry.Strategy,
			BackoffFactor: g.Retry.Backoff.Milliseconds(), Exponent: g.Retry.Exponent,
		},
		StoreConfig: transport.StoreConfig{
			RequiredKeys:  orEmptyList(g.Store.RequiredKeys),
			DefaultValues: orEmptyMap(g.Store.DefaultValues),
		},
		Triggers:  make([]cronAnswer, len(g.Triggers)),
		CreatedAt: stamp(g.CreatedAt), UpdatedAt: stamp(g.UpdatedAt),
		Validation: g.Status, Errors: orEmptyList(g.Errors),
		Version: g.Version, Serving: g.ServingVersion,
	}
	for i, p := range g.Nodes {
		p.Inputs, p.Next = orEmptyMap(p.Inputs), orEmptyList(p.Next)
		a.Nodes[i] = p
	}
	for _, name := range g.SecretNames {
		a.Secrets[name] = true
	}
	if g.Retry.MaxDelay > 0 {
		ms := g.Retry.MaxDelay.Milliseconds()
		a.RetryPolicy.MaxDelay = &ms
	}
	for i, t := range g.Triggers {
		a.Triggers[i].Type = "CRON"
		a.Triggers[i].Value.Expression, a.Triggers[i].Value.Timezone = t.Expression, t.Timezone
	}
	return a
}

// templateAnswer is a graph in the list of graphs.
type templateAnswer struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	graphAnswer
}

type graphsAnswer struct {
	Namespace string           `json:"namespace"`
	Count     int              `json:"count"`
	Templates []templateAnswer `json:"templates"`
}

// orEmptyMap gives a map that is written as {} and not as null.
func orEmptyMap(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
