package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"

	"github.com/exospherehost/exo-go/exo/graphfile"
)

// page is the reference of the command, in sections by heading.
func page(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		heading, body, _ := strings.Cut(section, "\n")
		sections[heading] = body
	}
	return sections
}

// leaves are the commands that do something, by their full names.
func leaves(c *cli.Command, name string, found map[string]*cli.Command) {
	if len(c.Commands) == 0 || name == "exo completion" {
		found[name] = c
	}
	for _, below := range c.Commands {
		if name == "exo completion" {
			break // its commands are shells
		}
		leaves(below, name+" "+below.Name, found)
	}
}

func commands() map[string]*cli.Command {
	found := map[string]*cli.Command{}
	root := command(environment{stdout: new(bytes.Buffer), stderr: new(bytes.Buffer), getenv: environ()})
	_ = root.Run(context.Background(), []string{"exo"}) // adds exo completion
	leaves(root, "exo", found)
	return found
}

// The page has a section for every command, which names every flag, and no
// other ones.
func TestPageHasTheCommands(t *testing.T) {
	t.Parallel()
	sections := page(t)
	shared := sections["Connecting"]
	all := commands()
	flag := regexp.MustCompile("--[a-z][a-z-]+")
	for name, c := range all {
		section, ok := sections[name]
		if !ok {
			t.Errorf("docs/cli.md has no section on %s", name)
			continue
		}
		known := []string{"--help", "--version"} // of all, and of exo itself
		for _, f := range c.Flags {
			long := "--" + f.Names()[0]
			if long == "--help" {
				continue
			}
			known = append(known, long)
			if slices.Contains(flag.FindAllString(section, -1), long) {
				continue
			}
			if !slices.Contains([]string{"--url", "--api-key", "--namespace"}, long) || !strings.Contains(shared, long) {
				t.Errorf("docs/cli.md: %s: there is nothing on %s", name, long)
			}
		}
		for _, f := range flag.FindAllString(section, -1) {
			if !slices.Contains(known, f) {
				t.Errorf("docs/cli.md: %s has no %s", name, f)
			}
		}
		if c.ArgsUsage != "" && !strings.Contains(section, "    "+name+" "+c.ArgsUsage) {
			t.Errorf("docs/cli.md: %s: no line with its arguments %s", name, c.ArgsUsage)
		}
	}
	for heading := range sections {
		if strings.HasPrefix(heading, "exo ") && all[heading] == nil {
			t.Errorf("docs/cli.md has a section on %s, which there is not", heading)
		}
	}
}

// The help names every command, its flags, and the exit codes.
func TestHelpHasTheCommands(t *testing.T) {
	t.Parallel()
	for name, c := range commands() {
		var out, errs bytes.Buffer
		args := append(strings.Fields(name)[1:], "--help")
		if code := run(context.Background(), args, &out, &errs, environ()); code != 0 || errs.Len() > 0 {
			t.Errorf("%s: exit code %d: %s", name, code, &errs)
		}
		wants(t, out.String(), name+" - "+c.Usage)
		for _, f := range c.Flags {
			wants(t, out.String(), "--"+f.Names()[0])
		}
	}
	var out bytes.Buffer
	run(context.Background(), nil, &out, &out, environ())
	codes := page(t)["Exit codes"]
	for _, code := range []string{"0", "1", "2", "3"} {
		if !regexp.MustCompile(`[ ;] ?` + code + ` `).MatchString(out.String()) {
			t.Errorf("the help says nothing of exit code %s:\n%s", code, &out)
		}
		wants(t, codes, "\n| "+code+" |")
	}
}

// The file that the page shows is one.
func TestPageHasAGraphFile(t *testing.T) {
	t.Parallel()
	_, rest, _ := strings.Cut(page(t)["Graph files"], "```json\n")
	file, _, found := strings.Cut(rest, "```")
	if !found || !json.Valid([]byte(file)) {
		t.Fatal(file)
	}
	if _, _, err := graphfile.Parse([]byte(file)); err != nil {
		t.Error(err)
	}
}
