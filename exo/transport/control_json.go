package transport

import (
	"encoding/json"

	"github.com/exospherehost/exo-go/internal/jsontext"
)

// wireRetry is a retry policy on the wire, with times in milliseconds. Fields
// left out are up to the state manager.
type wireRetry struct {
	MaxRetries int           `json:"max_retries"`
	Strategy   RetryStrategy `json:"strategy,omitempty"`
	BackoffMS  int64         `json:"backoff_factor,omitempty"`
	Exponent   int           `json:"exponent,omitempty"`
	MaxDelayMS int64         `json:"max_delay,omitempty"`
}

// MarshalJSON writes the policy in the form of the protocol, with times in
// milliseconds, rounded up (protocol.md §10).
func (p RetryPolicy) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireRetry{p.MaxRetries, p.Strategy, millis(p.Backoff), p.Exponent, millis(p.MaxDelay)})
}

// UnmarshalJSON reads the output of MarshalJSON. Fields that are left out
// become zero.
func (p *RetryPolicy) UnmarshalJSON(text []byte) error {
	var w wireRetry
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	*p = w.policy()
	return nil
}

func (w *wireRetry) policy() RetryPolicy {
	return RetryPolicy{
		MaxRetries: w.MaxRetries, Strategy: w.Strategy, Exponent: w.Exponent,
		Backoff: fromMillis(w.BackoffMS), MaxDelay: fromMillis(w.MaxDelayMS),
	}
}

type wireTrigger struct {
	Type  string        `json:"type"`
	Value wireCronValue `json:"value"`
}

type wireCronValue struct {
	Expression string `json:"expression"`
	Timezone   string `json:"timezone,omitempty"`
}

// MarshalJSON writes the trigger in the form of the protocol (protocol.md §12).
func (t CronTrigger) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireTrigger{"CRON", wireCronValue(t)})
}

// UnmarshalJSON reads the output of MarshalJSON.
func (t *CronTrigger) UnmarshalJSON(text []byte) error {
	var w wireTrigger
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	*t = CronTrigger(w.Value)
	return nil
}

// Parents are the states that a state descends from, in order of ancestry. In
// JSON they are an object of state IDs by identifier (protocol.md §4).
type Parents []Parent

// MarshalJSON writes the members in order of ancestry.
func (p Parents) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i := range p {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsontext.AppendString(b, p[i].Identifier)
		b = append(b, ':')
		b = jsontext.AppendString(b, p[i].StateID)
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads what MarshalJSON writes. Members that are not strings are
// left out; what is not an object has no members.
func (p *Parents) UnmarshalJSON(text []byte) error {
	*p = nil
	if jsontext.IsObject(text) != nil {
		return nil //nolint:nilerr // see above
	}
	return jsontext.Members(string(text), func(identifier string, kind jsontext.Kind, id string) error {
		if kind == jsontext.String {
			*p = append(*p, Parent{identifier, id})
		}
		return nil
	})
}
