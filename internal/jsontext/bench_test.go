package jsontext

import (
	"encoding/json"
	"strings"
	"testing"
)

const sample = `{"tenant":"acme","region":"eu-west-1","id":"u-4821","url":"https://example.com/a/b/c",` +
	`"body":"{\"rows\":[{\"k\":\"v\"},{\"k\":\"a value longer than thirty-two bytes\"}]}","limit":"20","cursor":"c-99","note":"h\u00e9llo\nworld"}`

func BenchmarkMembers(b *testing.B) {
	b.SetBytes(int64(len(sample)))
	b.ReportAllocs()
	for b.Loop() {
		if err := Members(sample, func(string, Kind, string) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckObject(b *testing.B) {
	for name, text := range map[string]string{"flat": sample, "nested": `{"a":[` + strings.Repeat(`[1.5e3,{"b":true,"c":null}],`, 20) + `0]}`, "wide": `{"a":"` + strings.Repeat("äöü€", 100) + `"}`} {
		raw := []byte(text)
		b.Run(name+"/jsontext", func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if err := CheckObject(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/json", func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				if !json.Valid(raw) {
					b.Fatal("not JSON")
				}
			}
		})
	}
}
