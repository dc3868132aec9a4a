package exotest

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exospherehost/exo-go/exo"
	"github.com/google/go-cmp/cmp"
)

// updateFlag is not called "update", which many test binaries call their own, and
// no flag can be declared twice.
const updateFlag = "exotest.update"

var update = flag.Bool(updateFlag, false, "write the files that exotest.Golden compares with")

// Golden compares the [Transcript] of a run with a file. With the flag
// -exotest.update of go test, or with a flag -update that the test declares, it
// writes the file instead.
func Golden(t testing.TB, r *exo.RunResult, file string) {
	t.Helper()
	golden(t, Transcript(r), file)
}

func golden(t testing.TB, got, file string) {
	t.Helper()
	if updating() {
		if err := writeFile(file, got); err != nil {
			t.Fatalf("golden file: %v", err)
		}
		return
	}
	data, err := os.ReadFile(file) //nolint:gosec // the test's own file
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.Fatalf("there is no golden file %s: go test -%s writes it", file, updateFlag)
	case err != nil:
		t.Fatalf("golden file: %v", err)
	}
	want := strings.ReplaceAll(string(data), "\r\n", "\n")
	if want != got {
		t.Errorf("the run is not as in %s (-want +got); go test -%s accepts it:\n%s", file, updateFlag, diff(want, got))
	}
}

func updating() bool {
	if *update {
		return true
	}
	own := flag.Lookup("update")
	return own != nil && own.Value.String() == "true"
}

func writeFile(file, text string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o600)
}

// diff is cmp's, with plain spaces: cmp uses others at random, so that no one
// relies on the form.
func diff(want, got any, opts ...cmp.Option) string {
	return strings.TrimSuffix(strings.ReplaceAll(cmp.Diff(want, got, opts...), "\u00a0", " "), "\n")
}
