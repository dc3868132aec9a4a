package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// form is how the values of a type are kept.
type form uint8

const (
	unformed form = iota
	plain         // a string, as it is
	quoted        // the text inside the JSON string that the value encodes to
	encoded       // the value's JSON
)

// formOf decides how values of T are kept. Named string types cannot be told by
// a type switch, so encoding/json is asked what becomes of the zero value.
func formOf[T any]() (form, error) {
	var zero T
	if _, ok := any(&zero).(*string); ok {
		return plain, nil
	}
	if _, ok := any(zero).(interface{ Reveal() string }); ok {
		return unformed, fmt.Errorf("a %T does not belong in the store, which every node of the run can read", zero)
	}
	text, err := toJSON(zero)
	if unfit := (*json.UnsupportedTypeError)(nil); errors.As(err, &unfit) {
		return unformed, err
	}
	if isString(text) {
		return quoted, nil
	}
	return encoded, nil
}

func encode[T any](f form, v T) (string, error) {
	if s, ok := any(&v).(*string); ok {
		return *s, nil
	}
	text, err := toJSON(v)
	if err != nil {
		return "", fmt.Errorf("encode value: %w", err)
	}
	if f == encoded {
		return text, nil
	}
	if !isString(text) {
		return "", fmt.Errorf("encode value: the JSON of a %T is sometimes a string and sometimes not", v)
	}
	var s string
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return "", fmt.Errorf("encode value: %w", err)
	}
	return s, nil
}

func decode[T any](f form, text string) (T, error) {
	var v T
	if s, ok := any(&v).(*string); ok {
		*s = text
		return v, nil
	}
	data := []byte(text)
	if f == quoted {
		var err error
		if data, err = json.Marshal(text); err != nil {
			return v, fmt.Errorf("decode value: %w", err)
		}
	}
	if err := json.Unmarshal(data, &v); err != nil {
		var zero T
		return zero, fmt.Errorf("decode value as %T: %w", v, err)
	}
	return v, nil
}

func toJSON(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // the text may be read by people, and in placeholders
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

func isString(text string) bool { return strings.HasPrefix(text, `"`) }
