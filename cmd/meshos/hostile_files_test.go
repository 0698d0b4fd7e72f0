package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Every file that a command line names is a regular one of a size that it may have: no
// command waits for whoever is at the other end of a pipe, or reads a device for ever.
func TestFilesThatHaveNoEndAreRefused(t *testing.T) {
	_, d, dir := newOperatorNode(t, withOperators)
	signersFile(t, dir, map[string]byte{"anna": 1})
	pipe, large := filepath.Join(dir, "pipe"), filepath.Join(dir, "large")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, large, "")
	if err := os.Truncate(large, 300<<30); err != nil {
		t.Fatal(err)
	}
	records := auditFolder(t, 1)
	for _, line := range []string{
		"publish --file FILE", "replay FILE", "replay " + journalFile + " --diff FILE", "validate --config FILE", "status --config FILE",
		"admin cordon --yes --key-file FILE", "admin cordon --yes --key FILE", "ice sign FILE", "audit verify --signers FILE " + records,
	} {
		for file, wants := range map[string][]string{
			pipe:        {"is a pipe, not a regular file"},
			"/dev/zero": {"is a device, not a regular file"},
			large:       {"is larger than", "the line is"},
		} {
			if strings.Contains(line, "--key FILE") {
				link := filepath.Join(dir, filepath.Base(file)+".pub")
				_ = os.Symlink(file, link)
				file = link
			}
			d.err.Reset()
			code := d.run(t.Context(), strings.ReplaceAll(line, "FILE", file))
			said := d.err.String()
			found := false
			for _, want := range wants {
				found = found || strings.Contains(said, want)
			}
			if code == exitDone || !found {
				t.Errorf("%s with %s: exit code %d: %s", line, file, code, said)
			}
		}
	}
}
