package wire

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

type smallDoc struct {
	URL  string `json:"url"`
	Page string `json:"page"`
	Kind string `json:"kind"`
}

type benchBase struct {
	Tenant string `json:"tenant"`
	Region userID `json:"region"`
}

type userID string

type mediumDoc struct {
	benchBase
	ID     userID `json:"id"`
	URL    string `json:"url"`
	Body   string `json:"body"`
	Limit  string `json:"limit" jsonschema:"default=100"`
	Cursor string `json:"cursor,omitempty"`
	Note   string `json:"note"`
}

type wideDoc struct {
	A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P string
}

var (
	smallRaw   = []byte(`{"url":"https://example.com/a/b/c?x=1","page":"12","kind":"article"}`)
	mediumRaw  = []byte(`{"tenant":"acme","region":"eu-west-1","id":"u-4821","url":"https://example.com/a/b/c","body":"[1,2,3,4,5]","limit":"20","cursor":"c-99","note":"hello world"}`)
	escapedRaw = []byte(`{"tenant":"acme","region":"eu-west-1","id":"u-4821","url":"https://example.com/a/b/c","body":"{\"rows\":[{\"k\":\"v\"},{\"k\":\"a value longer than thirty-two bytes\"}]}","limit":"20","cursor":"c-99","note":"h\u00e9llo\nworld"}`)
	wideRaw    = func() []byte {
		raw := []byte("{")
		for i := range 16 {
			if i > 0 {
				raw = append(raw, ',')
			}
			raw = fmt.Appendf(raw, `"%c":"value-%d"`, 'A'+i, i)
		}
		return append(raw, '}')
	}()
)

func BenchmarkDecode(b *testing.B) {
	b.Run("fields=3", func(b *testing.B) { benchDecode[smallDoc](b, smallRaw) })
	b.Run("fields=8", func(b *testing.B) { benchDecode[mediumDoc](b, mediumRaw) })
	b.Run("fields=8-escaped", func(b *testing.B) { benchDecode[mediumDoc](b, escapedRaw) })
	b.Run("fields=16", func(b *testing.B) { benchDecode[wideDoc](b, wideRaw) })
}

func benchDecode[T any](b *testing.B, raw []byte) {
	c := compile[T](b)
	b.Run("wire", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Decode(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	if slices.ContainsFunc(c.values, func(v value) bool { return v.form != nil }) {
		return // values in texts are no JSON of theirs
	}
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v T
			if err := json.Unmarshal(raw, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
	// How a client without codecs does it: a map of strings, then the struct.
	b.Run("json-map", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var m map[string]string
			if err := json.Unmarshal(raw, &m); err != nil {
				b.Fatal(err)
			}
			again, err := json.Marshal(m)
			if err != nil {
				b.Fatal(err)
			}
			var v T
			if err := json.Unmarshal(again, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecodeMap(b *testing.B) {
	c := compile[mediumDoc](b)
	var m map[string]string
	if err := json.Unmarshal(mediumRaw, &m); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.DecodeMap(m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	b.Run("fields=3", func(b *testing.B) { benchEncode[smallDoc](b, smallRaw) })
	b.Run("fields=8", func(b *testing.B) { benchEncode[mediumDoc](b, mediumRaw) })
	b.Run("fields=8-escaped", func(b *testing.B) { benchEncode[mediumDoc](b, escapedRaw) })
	b.Run("fields=16", func(b *testing.B) { benchEncode[wideDoc](b, wideRaw) })
}

func benchEncode[T any](b *testing.B, raw []byte) {
	c := compile[T](b)
	v, err := c.Decode(raw)
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 1024)
	b.Run("wire-append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf, err = c.Append(buf[:0], v)
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("wire-encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Encode(v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("json-map", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(toMap(b, c, v)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecodeParallel(b *testing.B) {
	c := compile[mediumDoc](b)
	b.Run("wire", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := c.Decode(mediumRaw); err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				var v mediumDoc
				if err := json.Unmarshal(mediumRaw, &v); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile[mediumDoc](); err != nil {
			b.Fatal(err)
		}
	}
}

// compile is Compile for types that are known to be fit.
func compile[T any](tb testing.TB) *Codec[T] {
	tb.Helper()
	c, err := Compile[T]()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// mixedDoc is mediumDoc with values in place of four of its strings.
type mixedDoc struct {
	benchBase
	ID   userID              `json:"id"`
	URL  string              `json:"url"`
	Size carrying[int]       `json:"size"`
	Page carrying[int]       `json:"page"`
	Last carrying[bool]      `json:"last"`
	At   carrying[time.Time] `json:"at"`
}

func BenchmarkDecodeValues(b *testing.B) {
	benchDecode[mixedDoc](b, []byte(`{"tenant":"acme","region":"eu-west-1","id":"u-4821","url":"https://example.com/a/b/c","size":"4821","page":"12","last":"true","at":"2024-05-05T10:00:00Z"}`))
}
