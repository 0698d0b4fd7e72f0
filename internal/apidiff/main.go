// Command apidiff compares what pluginsdk exports with what landed last, so that no
// change breaks the plugins of third parties by accident.
//
//	go run ./internal/apidiff          fails if something that landed is gone or changed
//	go run ./internal/apidiff -write   writes the list of what is exported now
//
// The list is pluginsdk/landed.txt: one line for each exported thing, without the
// names of parameters. A line may be added; one that is missing is a break. So adding
// a function or a field is not a break, and adding a method to an interface is, since
// authors implement these. It says nothing of behaviour.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
)

// landed is the list of what landed last, in the repository.
const landed = "pluginsdk/landed.txt"

// packages are those that authors, and hosts, import.
func packages() []string {
	const module = "github.com/meshos/meshos/"
	return []string{module + "pluginsdk", module + "pluginsdk/plugintest", module + "pluginsdk/wire"}
}

func main() {
	write := flag.Bool("write", false, "write "+landed+" instead of comparing with it")
	flag.Parse()
	if err := run(*write); err != nil {
		fmt.Fprintf(os.Stderr, "apidiff: %s\n", err)
		os.Exit(1)
	}
}

func run(write bool) error {
	list, err := exported(packages())
	if err != nil {
		return err
	}
	if write {
		return os.WriteFile(landed, []byte(strings.Join(list, "\n")+"\n"), 0o644)
	}
	text, err := os.ReadFile(landed)
	if err != nil {
		return err
	}
	return compare(strings.Split(strings.TrimSpace(string(text)), "\n"), list)
}

// compare returns an error that names the lines of old that are not in now.
func compare(old, now []string) error {
	there := make(map[string]bool, len(now))
	for _, line := range now {
		there[line] = true
	}
	var gone strings.Builder
	for _, line := range old {
		if !there[line] {
			fmt.Fprintf(&gone, "\n  %s", line)
		}
	}
	if gone.Len() == 0 {
		return nil
	}
	return errors.New("gone or changed since it landed, so that plugins which use it no longer build:" + gone.String())
}
