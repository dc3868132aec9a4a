// Supplychain says what exo is made of: it writes a software bill of materials
// (CycloneDX, JSON and XML) of a built program, checks SBOMs against the
// official schemas, and holds the licences of all dependencies against the
// list of those that are allowed.
//
//	supplychain sbom [-root DIR] PROGRAM...      writes PROGRAM.cdx.json and PROGRAM.cdx.xml
//	supplychain validate SBOM...                 checks files that were written before
//	supplychain licences [-root DIR] [-texts FILE]
//
// It ends with status 1 if something is wrong with what it was given, 2 if it
// was called wrongly.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

const usage = `usage: supplychain sbom [-root DIR] PROGRAM...
       supplychain validate SBOM...
       supplychain licences [-root DIR] [-texts FILE]`

var errUsage = errors.New(usage)

func main() {
	err := run(context.Background(), os.Args[1:], os.Stdout)
	switch {
	case err == nil:
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "supplychain:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	root := flags.String("root", ".", "folder of the module")
	texts := flags.String("texts", "", "file for the licences in full")
	if err := flags.Parse(args[1:]); err != nil {
		return fmt.Errorf("%w\n%w", err, errUsage)
	}
	switch args[0] {
	case "sbom":
		return writeSBOMs(ctx, *root, flags.Args())
	case "validate":
		return validateSBOMs(ctx, flags.Args())
	case "licences":
		return checkLicences(ctx, *root, *texts, stdout)
	default:
		return errUsage
	}
}

func writeSBOMs(ctx context.Context, root string, programs []string) error {
	if len(programs) == 0 {
		return errUsage
	}
	s, err := loadSchemas(ctx)
	if err != nil {
		return err
	}
	for _, program := range programs {
		bom, err := newBOM(ctx, root, program)
		if err != nil {
			return err
		}
		if err := writeBOMs(bom, s, program); err != nil {
			return err
		}
	}
	return nil
}

func validateSBOMs(ctx context.Context, files []string) error {
	if len(files) == 0 {
		return errUsage
	}
	s, err := loadSchemas(ctx)
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading an SBOM: %w", err)
		}
		if err := s.validate(text, formatOf(file)); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

func checkLicences(ctx context.Context, root, textsFile string, stdout io.Writer) error {
	all, err := inventory(ctx, root)
	if err != nil {
		return err
	}
	if err := writeTable(stdout, all); err != nil {
		return err
	}
	var wrong []error
	for _, d := range all {
		wrong = append(wrong, check(d))
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	if textsFile == "" {
		return nil
	}
	f, err := os.Create(textsFile)
	if err != nil {
		return fmt.Errorf("writing the licences: %w", err)
	}
	return errors.Join(writeTexts(f, all), f.Close())
}
