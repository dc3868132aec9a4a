package wire

import (
	"bytes"
	"encoding/json"
	"reflect"
)

// Equal reports whether a and b are deeply equal, or equal by their own method
// Equal, or, if they have none, the same in JSON.
func Equal[T any](a, b T) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	if own, ok := any(a).(interface{ Equal(other T) bool }); ok {
		return !isNil(a) && !isNil(b) && own.Equal(b)
	}
	left, errLeft := json.Marshal(a)
	right, errRight := json.Marshal(b)
	return errLeft == nil && errRight == nil && bytes.Equal(left, right)
}

func isNil(v any) bool {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
		return r.IsNil()
	}
	return false
}
