package jsontext

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAppendString(t *testing.T) {
	t.Parallel()
	tests := []struct{ s, want string }{
		{"", `""`},
		{"plain", `"plain"`},
		{`a"b\c/d`, `"a\"b\\c/d"`},
		{"\b\f\n\r\t\x00\x1f\x7f", `"\b\f\n\r\t\u0000\u001f` + "\x7f" + `"`},
		{"<é€😀&\u2028>", "\"<é€😀&\u2028>\""},
		{"a\xffb\xe2\x82", "\"a\ufffdb\ufffd\ufffd\""},
		{"\ufffd", "\"\ufffd\""},
	}
	for _, tt := range tests {
		if got := string(AppendString(nil, tt.s)); got != tt.want {
			t.Errorf("AppendString(%q) = %s, want %s", tt.s, got, tt.want)
		}
	}
	if got := string(AppendString([]byte("x:"), "y")); got != `x:"y"` {
		t.Errorf("got %s", got)
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "a", "\"\\\n", "é\u2028😀", "\xff\xe2\x82", "\x00\x7f\ufffd", "\ufffd\xf0\x9f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := AppendString([]byte("dst"), s)
		if string(got[:3]) != "dst" {
			t.Fatalf("dst is gone: %q", got)
		}
		var back, want string
		if err := json.Unmarshal(got[3:], &back); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		enc, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(enc, &want); err != nil {
			t.Fatal(err)
		}
		if back != want || back != strings.ToValidUTF8(back, "") {
			t.Fatalf("got %q, want %q", back, want)
		}
	})
}
