// Command actor is what the daemons of the soak run, with their hooks and checks. It leaves marks
// in a folder that the node does not know, by which the soak judges.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// actor is one process of a daemon.
type actor struct {
	marks  string // the folder
	id     string // of the daemon
	traits map[string]string
}

func main() {
	a := actor{marks: os.Getenv("SOAK"), id: os.Getenv("SOAK_ID"), traits: make(map[string]string)}
	if a.marks == "" || a.id == "" || len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "actor is started by internal/soak")
		os.Exit(2)
	}
	for _, trait := range strings.Fields(os.Getenv("SOAK_TRAITS")) {
		key, value, _ := strings.Cut(trait, "=")
		a.traits[key] = value
	}
	switch os.Args[1] {
	case "main":
		os.Exit(a.main())
	case "leave":
		a.leave()
	case "child":
		a.child()
	case "check":
		if a.ill() {
			fmt.Println("the mark says that it is ill")
			os.Exit(1)
		}
	case "before":
		a.put("before", "")
	case "afterwards":
		a.put("afterwards", "")
	}
}

func (a actor) mark(name string) string { return filepath.Join(a.marks, a.id+"."+name) }

func (a actor) has(trait string) bool {
	_, ok := a.traits[trait]
	return ok
}

// put writes a mark, which other users may write too.
func (a actor) put(name, text string) {
	_ = os.WriteFile(a.mark(name), []byte(text), 0o666)
	_ = os.Chmod(a.mark(name), 0o666)
}

// wrong reports what must not be.
func (a actor) wrong(format string, args ...any) {
	f, err := os.OpenFile(filepath.Join(a.marks, "wrong"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	_, _ = fmt.Fprintf(f, "%s daemon %s: %s\n", time.Now().UTC().Format("15:04:05.000"), a.id, fmt.Sprintf(format, args...))
}

func (a actor) ill() bool {
	_, err := os.Stat(a.mark("ill"))
	return err == nil
}

// chaos reports whether there is chaos; in peace nobody ends by itself.
func (a actor) chaos() bool {
	_, err := os.Stat(filepath.Join(a.marks, "chaos"))
	return err == nil
}

// over reports whether the soak has ended, or was killed and its folder removed.
func (a actor) over() bool {
	_, err := os.Stat(a.marks)
	return err != nil
}
