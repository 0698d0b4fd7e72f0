package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// subject is what supervises daemons.
type subject interface {
	// prepare writes what is needed into dir for n daemons that run the command, and returns
	// what to start, and how many daemons will run.
	prepare(dir string, n int, command []string) (*exec.Cmd, int, error)
	// each reports whether a process is one of those of which there is one for each daemon.
	each(p process) bool
}

// missingError means that the machine lacks what is to be measured.
type missingError struct{ what, install string }

// Error implements error.
func (e *missingError) Error() string { return e.what + " is missing, and left out: " + e.install }

// runit is runsvdir, which starts a runsv for each daemon.
type runit struct{}

func (runit) prepare(dir string, n int, command []string) (*exec.Cmd, int, error) {
	path, err := exec.LookPath("runsvdir")
	if err != nil {
		return nil, 0, &missingError{what: "runit", install: "apt-get install runit"}
	}
	for i := range n {
		service := filepath.Join(dir, fmt.Sprint("d", i))
		if err := os.Mkdir(service, 0o700); err != nil {
			return nil, 0, err
		}
		script := "#!/bin/sh\nexec " + strings.Join(command, " ") + "\n"
		if err := os.WriteFile(filepath.Join(service, "run"), []byte(script), 0o700); err != nil {
			return nil, 0, err
		}
	}
	return exec.Command(path, dir), n, nil
}

func (runit) each(p process) bool { return p.name == "runsv" }

// node is a node of ours, with the daemons or without.
type node struct {
	binary  string
	daemons bool
}

func (s node) prepare(dir string, n int, command []string) (*exec.Cmd, int, error) {
	path, err := filepath.Abs(s.binary)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		return nil, 0, &missingError{what: "meshos", install: "make build, or -meshos FILE"}
	}
	if !s.daemons {
		n = 0
	}
	var text strings.Builder
	text.WriteString("[node]\nid = 1\nname = \"bench\"\ndata_dir = \"data\"\nlisten = \"\"\n")
	for i := range n {
		fmt.Fprintf(&text, "[[daemon]]\nid = %d\nname = \"d%d\"\ncommand = [\"%s\"]\n", i+1, i, strings.Join(command, `", "`))
	}
	config := filepath.Join(dir, "meshos.toml")
	if err := os.WriteFile(config, []byte(text.String()), 0o600); err != nil {
		return nil, 0, err
	}
	return exec.Command(path, "run", "--config", config), n, nil
}

func (node) each(p process) bool { return len(p.args) > 1 && p.args[1] == "daemon-shim" }
