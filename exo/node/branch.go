package node

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/exospherehost/exo-go/exo/transport"
	"github.com/exospherehost/exo-go/internal/wire"
)

// A Branch is the outcome of one branch that a join waited for. Graphs are built
// with exo.CollectAll.
type Branch[T any] struct {
	// Index is the branch's place in the list, from 0.
	Index int `json:"index"`

	// Step is the identifier of the step where the branch ended: the step that
	// is collected, if it got so far.
	Step string `json:"step"`

	// Status is that of the state that the branch ended with: SUCCESS, ERRORED,
	// NEXT_CREATED_ERROR or PRUNED. It is empty if Step is a join that did not
	// run, because a branch of its own failed.
	Status transport.Status `json:"status"`

	// V is the output, and zero without SUCCESS.
	V T `json:"value"`

	// Error says why the branch failed, in at most 1 KiB. It is empty otherwise.
	Error string `json:"error,omitempty"`
}

// Succeeded reports whether the branch has an output.
func (b Branch[T]) Succeeded() bool { return b.Status == transport.StatusSuccess }

// UnmarshalJSON reads a branch as a state manager writes it (protocol.md §13,
// collect): the value is JSON, or a string that holds the text of a [Val].
func (b *Branch[T]) UnmarshalJSON(text []byte) error {
	var raw struct {
		Index  int              `json:"index"`
		Step   string           `json:"step"`
		Status transport.Status `json:"status"`
		Value  json.RawMessage  `json:"value"`
		Error  string           `json:"error"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	branch := Branch[T]{Index: raw.Index, Step: raw.Step, Status: raw.Status, Error: raw.Error}
	if len(raw.Value) > 0 {
		var err error
		if branch.V, err = branchValue[T](raw.Value); err != nil {
			return fmt.Errorf("branch %d: %w", raw.Index, err)
		}
	}
	*b = branch
	return nil
}

func branchValue[T any](raw json.RawMessage) (T, error) {
	var v, zero T
	wrong := json.Unmarshal(raw, &v)
	if wrong == nil {
		return v, nil
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return zero, wrong
	}
	codec, err := textOf[T]()
	if err != nil {
		return zero, wrong
	}
	return codec.Parse(text)
}

// texts are the codecs of the types of branches, by nil pointers to them.
var texts sync.Map

func textOf[T any]() (wire.Text[T], error) {
	key := any((*T)(nil))
	if known, ok := texts.Load(key); ok {
		return known.(wire.Text[T]), nil //nolint:forcetypeassert // nothing else is stored
	}
	made, err := wire.TextOf[T]()
	if err == nil {
		texts.Store(key, made)
	}
	return made, err
}
