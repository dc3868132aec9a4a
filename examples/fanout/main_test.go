package main

import (
	"bytes"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBill(t *testing.T) {
	t.Parallel()
	tests := []struct {
		items []string
		want  string
	}{
		{nil, "bread         2.24\nplums         2.24\ntea           1.74\ntea           1.74\ntotal         7.96\n"},
		{[]string{"ale"}, "ale           1.74\ntotal         1.74\n"},
	}
	for _, test := range tests {
		var out bytes.Buffer
		if err := run(t.Context(), test.items, &out); err != nil {
			t.Fatal(err)
		}
		if out.String() != test.want {
			t.Errorf("%q, want\n%q", &out, test.want)
		}
	}
}

func TestEmptyOrderFails(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := run(t.Context(), []string{" "}, &out)
	if err == nil || !strings.Contains(err.Error(), "the order is empty") {
		t.Error(err)
	}
}
