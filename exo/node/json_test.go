package node_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exospherehost/exo-go/exo/node"
)

func TestJSON(t *testing.T) {
	t.Parallel()
	type item struct {
		URL string `json:"url"`
		N   *int   `json:"n,omitempty"`
	}
	want := []item{{URL: "https://example.com/?a=1&b=<2>"}, {N: new(int)}}
	j, err := node.ToJSON(want)
	if err != nil {
		t.Fatal(err)
	}
	if j != `[{"url":"https://example.com/?a=1&b=<2>"},{"url":"","n":0}]` {
		t.Errorf("got %s", j)
	}
	got, err := j.Value()
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(d, err)
	}
	if j, err := node.ToJSON("a\nb"); j != `"a\nb"` || err != nil {
		t.Errorf("got %s, %v", j, err)
	}
}

func TestJSONErrors(t *testing.T) {
	t.Parallel()
	var syntax *json.SyntaxError
	if v, err := node.JSON[[]int]("").Value(); v != nil || !errors.As(err, &syntax) {
		t.Errorf("got %v, %v", v, err)
	}
	if v, err := node.JSON[[]int]("[1,2").Value(); v != nil || !errors.As(err, &syntax) {
		t.Errorf("got %v, %v", v, err)
	}
	var wrong *json.UnmarshalTypeError
	if v, err := node.JSON[[]int](`[1,"x"]`).Value(); v != nil || !errors.As(err, &wrong) {
		t.Errorf("got %v, %v", v, err)
	}
	var unsupported *json.UnsupportedTypeError
	if j, err := node.ToJSON(func() {}); j != "" || !errors.As(err, &unsupported) {
		t.Errorf("got %v, %v", j, err)
	}
}
