// Package store reads and writes the key-value store of a run: the place where
// the nodes of one run share what does not fit in their outputs. It begins with
// what the trigger and the graph's defaults gave, and ends with the run.
//
// Nodes use it through typed keys:
//
//	var cursor = store.NewKey[int]("cursor")
//
//	func next(ctx context.Context, in Page, _ exo.None) (Done, error) {
//		n, ok, err := cursor.Get(ctx)
//		…
//	}
//
// Every state manager fills in placeholders like ${{ store.cursor }}. To read
// and write the store while a node runs, the state manager must have the store
// extension (protocol.md §13), as exo/local and exo serve do; with others the
// methods of a [Key] return an error that is [transport.ErrUnsupported].
//
// A node may be executed more than once, and what it wrote stays written: write
// what is right the second time, too. The store is no place for secrets. All of
// a run's nodes can read it, and a [Key] of a type like exo.Secret is refused.
package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/exospherehost/exo-go/internal/nodecontext"
	"github.com/exospherehost/exo-go/internal/wire"
)

// A Key is a typed key of the store. It is immutable, and safe for concurrent
// use. The zero Key has no name, and its methods return an error: make keys with
// [NewKey].
//
// A T is kept as the text in which an exo.Val[T] travels: a number as strconv
// writes it, a [time.Time] as its text without quotes, a struct as its JSON. So a
// placeholder of the store connects to an input of the same type.
type Key[T any] struct {
	name string
	text wire.Text[T]
	err  error // why the key cannot be used
}

// NewKey makes the key of that name. Names are not empty, begin and end with no
// white space, and hold no dot, which placeholders could not name, and no slash,
// which is for [Key.At].
//
// NewKey panics if the name is none of these, or if T is a secret or cannot
// travel at all, like a channel. It is meant for package variables, so that a
// program with such a mistake does not start.
func NewKey[T any](name string) Key[T] {
	if err := checkName(name); err != nil {
		panic(fmt.Errorf("store: key %q: %w", name, err))
	}
	text, err := textOf[T]()
	if err != nil {
		panic(fmt.Errorf("store: key %q: %w", name, err))
	}
	return Key[T]{name: name, text: text}
}

// At is the key of one item below k, "name/item", such as one branch of a
// fan-out. The item may be any text that is not empty and neither begins nor
// ends with white space; it may itself be of parts separated by slashes, none of
// them empty, "." or "..". An item that is not so makes the methods of the key
// return an error.
func (k Key[T]) At(item string) Key[T] {
	if k.name == "" {
		return k
	}
	if err := checkItem(item); err != nil {
		k.err = fmt.Errorf("item %q: %w", item, err)
	}
	k.name += "/" + item
	return k
}

// Get reads the key from the store of the run that ctx belongs to. If the key
// has no value, ok is false. With a state manager that has no store routes the
// error is [transport.ErrUnsupported]; outside a node it is [ErrNoRun].
func (k Key[T]) Get(ctx context.Context) (v T, ok bool, err error) {
	r, err := k.run(ctx)
	if err == nil {
		v, _, ok, err = k.read(ctx, r)
	}
	return v, ok, k.failed("get", err)
}

// read is Get, with the value as it is kept.
func (k Key[T]) read(ctx context.Context, r *nodecontext.Store) (v T, text string, ok bool, err error) {
	text, ok, err = r.Backend.StoreGet(ctx, r.StateID, k.name)
	if err != nil || !ok {
		return v, "", false, err
	}
	v, err = k.text.Parse(text)
	return v, text, err == nil, err
}

// Set writes the key. The last write wins; see [Key.Update] for a value that
// several nodes change. Errors are as those of [Key.Get].
func (k Key[T]) Set(ctx context.Context, v T) error {
	r, err := k.run(ctx)
	if err != nil {
		return k.failed("set", err)
	}
	text, err := k.text.Format(v)
	if err != nil {
		return k.failed("set", err)
	}
	return k.failed("set", r.Backend.StoreSet(ctx, r.StateID, k.name, text))
}

// Delete removes the key. It is no error if the key has no value. Errors are as
// those of [Key.Get].
func (k Key[T]) Delete(ctx context.Context) error {
	r, err := k.run(ctx)
	if err != nil {
		return k.failed("delete", err)
	}
	return k.failed("delete", r.Backend.StoreDelete(ctx, r.StateID, k.name))
}

// All gathers the items below k, by what was given to [Key.At]: what the
// branches of a fan-out found. The value of k itself is not among them. It reads
// the whole store of the run, all at one moment. Errors are as those of
// [Key.Get].
func (k Key[T]) All(ctx context.Context) (map[string]T, error) {
	r, err := k.run(ctx)
	if err != nil {
		return nil, k.failed("get all below", err)
	}
	kept, err := r.Backend.StoreAll(ctx, r.StateID)
	if err != nil {
		return nil, k.failed("get all below", err)
	}
	items := make(map[string]T)
	for name, text := range kept {
		item, below := strings.CutPrefix(name, k.name+"/")
		if !below {
			continue
		}
		v, err := k.text.Parse(text)
		if err != nil {
			return nil, Key[T]{name: name}.failed("get", err)
		}
		items[item] = v
	}
	return items, nil
}

// run is the store that k is to be found in.
func (k Key[T]) run(ctx context.Context) (*nodecontext.Store, error) {
	if k.err != nil {
		return nil, k.err
	}
	if k.name == "" {
		return nil, errors.New("the zero Key has no name: use NewKey")
	}
	return runOf(ctx)
}

// failed adds to err, if there is one, what was being done.
func (k Key[T]) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("store: %s %q: %w", op, k.name, advise(err))
}

func checkName(name string) error {
	switch {
	case strings.Contains(name, "."):
		return errors.New("holds a dot, so that placeholders could not name it")
	case strings.Contains(name, "/"):
		return errors.New("holds a slash: use At for items below a key")
	}
	return checkSpace(name)
}

func checkItem(item string) error {
	for part := range strings.SplitSeq(item, "/") {
		if part == "" || part == "." || part == ".." {
			return errors.New(`a part between slashes is empty, "." or ".."`)
		}
	}
	return checkSpace(item)
}

func checkSpace(name string) error {
	switch {
	case name == "":
		return errors.New("is empty")
	case strings.TrimSpace(name) != name:
		return errors.New("begins or ends with white space")
	}
	return nil
}

// textOf gives the codec of what is kept.
func textOf[T any]() (wire.Text[T], error) {
	var zero T
	if _, ok := any(zero).(wire.Revealer); ok {
		return wire.Text[T]{}, fmt.Errorf("a %T does not belong in the store, which every node of the run can read", zero)
	}
	return wire.TextOf[T]()
}
