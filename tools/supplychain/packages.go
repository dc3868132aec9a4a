package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// A pkg is what go list says of one package.
type pkg struct {
	ImportPath string   `json:"ImportPath"`
	Dir        string   `json:"Dir"`
	Imports    []string `json:"Imports"`
	Module     *module  `json:"Module"` // nil in the standard library
}

// A module is what go list says of the module that a package belongs to.
type module struct {
	Path    string `json:"Path"`
	Version string `json:"Version"`
	Dir     string `json:"Dir"`
	Main    bool   `json:"Main"`
}

// listPackages asks go list, in the folder root and with env added to the
// environment, for the packages that args name and all that they import.
func listPackages(ctx context.Context, root string, env []string, args ...string) ([]pkg, error) {
	args = append([]string{"list", "-deps", "-json=ImportPath,Dir,Imports,Module"}, args...)
	out, err := goCommand(ctx, root, env, args...)
	if err != nil {
		return nil, err
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the answer of go list: %w", err)
		}
		all = append(all, p)
	}
}

// goCommand runs the go command in dir and returns what it prints.
func goCommand(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}

// goroot is the folder of the Go distribution in use, whose standard library
// every program links.
func goroot(ctx context.Context) (string, error) {
	out, err := goCommand(ctx, "", nil, "env", "GOROOT")
	return strings.TrimSpace(string(out)), err
}
