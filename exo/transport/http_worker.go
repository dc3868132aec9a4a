package transport

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// namespace is the Transport of an [HTTP].
type namespace struct {
	*conn
	name string
	path path // …/v0/namespace/{name}
}

// call prepares a call below the namespace; see path.join for parts.
func (n *namespace) call(op, method string, parts ...string) call {
	at, err := n.path.join(parts...)
	return call{op: op, method: method, at: at, err: err}
}

// withBody sets the body of a call. If body cannot be encoded, the call cannot
// be sent.
func (k call) withBody(body any) call {
	raw, err := json.Marshal(body)
	if err != nil {
		if k.err == nil {
			k.err = err
		}
		return k
	}
	k.body = newPayload()
	k.body.set(append(k.body.bytes(), raw...))
	return k
}

type wireNode struct {
	Name          string          `json:"name"`
	Namespace     string          `json:"namespace"`
	InputsSchema  json.RawMessage `json:"inputs_schema"`
	OutputsSchema json.RawMessage `json:"outputs_schema"`
	Secrets       []string        `json:"secrets"`
}

// Register implements [Worker] (protocol.md §3).
func (n *namespace) Register(ctx context.Context, runtime string, nodes []NodeSpec) error {
	body := struct {
		Runtime   string     `json:"runtime_name"`
		Namespace string     `json:"runtime_namespace"`
		Nodes     []wireNode `json:"nodes"`
	}{Runtime: runtime, Namespace: n.name, Nodes: make([]wireNode, len(nodes))}
	for i, spec := range nodes {
		body.Nodes[i] = wireNode{
			Name:          spec.Name,
			Namespace:     n.name,
			InputsSchema:  objectOrEmpty(spec.InputsSchema),
			OutputsSchema: objectOrEmpty(spec.OutputsSchema),
			Secrets:       append([]string{}, spec.Secrets...),
		}
	}
	_, err := fetch[struct{}](ctx, n.conn, n.call("register", http.MethodPut, "/nodes/").withBody(body))
	return err
}

type secretsAnswer struct {
	Secrets Secrets `json:"secrets"`
}

func (a *secretsAnswer) missing() string { return without(a.Secrets == nil, "secrets") }

// Secrets implements [Worker] (protocol.md §3).
func (n *namespace) Secrets(ctx context.Context, stateID string) (Secrets, error) {
	k := n.call("secrets", http.MethodGet, "/state/", stateID, "/secrets")
	k.private = true
	answer, err := fetch[secretsAnswer](ctx, n.conn, k)
	return answer.Secrets, err
}

type heartbeatAnswer struct {
	Lost []string `json:"lost"`
}

func (a *heartbeatAnswer) missing() string { return without(a.Lost == nil, "lost") }

// Heartbeat implements [Heartbeater] (protocol.md §13).
func (n *namespace) Heartbeat(ctx context.Context, leases map[string]string, lease time.Duration) (lost []string, err error) {
	if len(leases) == 0 {
		return nil, nil
	}
	k := n.call("heartbeat", http.MethodPost, "/states/heartbeat").withBody(struct {
		Leases  map[string]string `json:"leases"`
		LeaseMS int64             `json:"lease_ms,omitempty"`
	}{leases, max(millis(lease), 0)})
	answer, err := use[heartbeatAnswer](ctx, n.conn, ExtensionLease, k)
	return answer.Lost, err
}
