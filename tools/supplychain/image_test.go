package supplychain

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	byDigest = regexp.MustCompile(`^\S+@sha256:[0-9a-f]{64}$`)
	noRoot   = regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`)
)

// TestDockerfile holds the image to be built from a pinned base by the Go that
// builds releases, on nothing, for an unprivileged user.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	for _, fault := range imageFaults(read(t, "../../Dockerfile"), strings.TrimSpace(read(t, "../../build/go-version"))) {
		t.Error(fault)
	}
}

// TestImageFaults breaks each rule once.
func TestImageFaults(t *testing.T) {
	t.Parallel()
	good := "FROM golang:1.2.3-bookworm@sha256:" + strings.Repeat("0", 64) + " AS build\n" +
		"FROM scratch AS program\nUSER 65532:65532\nFROM program AS exo\nCMD [\"serve\"]\n"
	if faults := imageFaults(good, "1.2.3"); len(faults) > 0 {
		t.Fatalf("the Dockerfile to break has faults itself: %q", faults)
	}
	for _, c := range []struct{ old, broken string }{
		{"@sha256:" + strings.Repeat("0", 64), ""},
		{"1.2.3", "1.2.4"},
		{"FROM scratch", "FROM alpine:3"},
		{"FROM program AS exo", "FROM build AS exo"},
		{"FROM program AS exo", "FROM scratch AS exo"},
		{"USER 65532:65532", "USER 0:0"},
		{"USER 65532:65532", "USER nobody"},
		{"CMD", "USER 0:0\nCMD"},
		{"CMD", "ADD https://example.com/x /x\nCMD"},
	} {
		if faults := imageFaults(strings.Replace(good, c.old, c.broken, 1), "1.2.3"); len(faults) == 0 {
			t.Errorf("%q in place of %q is no fault", c.broken, c.old)
		}
	}
}

func imageFaults(text, goVersion string) []string {
	var faults []string
	type stage struct{ base, user string }
	stages := map[string]stage{"scratch": {base: "scratch"}}
	var last string
	for line := range strings.Lines(text) {
		words := slices.DeleteFunc(strings.Fields(line), func(w string) bool { return strings.HasPrefix(w, "--") })
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "FROM":
			from := words[1]
			last = words[len(words)-1] // its name, if it has one
			if s, ok := stages[from]; ok {
				stages[last] = s
			} else {
				stages[last] = stage{base: from}
				if !byDigest.MatchString(from) {
					faults = append(faults, from+" is not pinned by digest")
				}
				if !strings.HasPrefix(from, "golang:"+goVersion+"-") {
					faults = append(faults, from+" is not the Go of build/go-version, "+goVersion)
				}
			}
		case "USER":
			stages[last] = stage{base: stages[last].base, user: words[1]}
		case "ADD":
			faults = append(faults, "ADD may fetch what nobody has checked: use COPY")
		}
	}
	if s := stages[last]; s.base != "scratch" || !noRoot.MatchString(s.user) {
		faults = append(faults, "the image stands on "+s.base+" for user "+s.user+", not on scratch for an unprivileged one by number")
	}
	return faults
}
