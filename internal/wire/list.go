package wire

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// listOf gives the JSON of a list of values of f, some of which are given as the
// texts that they have by themselves. It is nil if text is not such a list.
func (f *form) listOf(text []byte) ([]byte, error) {
	var elements []json.RawMessage
	if json.Unmarshal(text, &elements) != nil {
		return nil, nil //nolint:nilerr,nilnil // no such list is no fault
	}
	texts := false
	list := []byte{'['}
	for i, element := range elements {
		if i > 0 {
			list = append(list, ',')
		}
		var s string
		if element[0] != '"' || json.Unmarshal(element, &s) != nil {
			list = append(list, element...)
			continue
		}
		texts = true
		var err error
		if list, err = f.appendElement(list, s, element); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	if !texts {
		return nil, nil //nolint:nilnil // no such list is no fault
	}
	return append(list, ']'), nil
}

// appendElement appends the JSON of the value that text is of, or text as it is
// quoted, where that is its JSON. Widths are looked at when it is read.
func (f *form) appendElement(dst []byte, text string, quoted json.RawMessage) ([]byte, error) {
	if text == "" && !f.empty {
		return dst, errEmpty
	}
	switch f.kind {
	case formInt:
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return dst, numberReason(err)
		}
		return strconv.AppendInt(dst, v, 10), nil
	case formUint:
		v, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return dst, numberReason(err)
		}
		return strconv.AppendUint(dst, v, 10), nil
	case formFloat:
		v, err := parseFloat([]byte(text), 64)
		if err != nil {
			return dst, err
		}
		return appendFloat(dst, v, 64)
	case formBool:
		v, err := strconv.ParseBool(text)
		if err != nil {
			return dst, numberReason(err)
		}
		return strconv.AppendBool(dst, v), nil
	case formDuration:
		v, err := time.ParseDuration(text)
		if err != nil {
			return dst, reason("want a form such as 1m30s")
		}
		return strconv.AppendInt(dst, int64(v), 10), nil
	case formText, formJSON, formString:
	}
	if json.Valid([]byte(text)) {
		return append(dst, text...), nil
	}
	return append(dst, quoted...), nil
}
