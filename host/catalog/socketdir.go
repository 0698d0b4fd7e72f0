package catalog

import (
	"fmt"
	"os"
	"path/filepath"
)

const (
	// socketPathMax is what a unix socket's address holds, without its final NUL.
	socketPathMax = 107
	// socketPathNeed is what is added to the run directory: "/meshos-" and ten
	// digits for the plugin's directory, "/plugin" and ten digits for its socket.
	socketPathNeed = len("/meshos-") + 10 + len("/plugin") + 10
)

// checkRunDir says early that sockets below dir would have too long a path: the
// system's own message for that names neither the path nor the limit.
func checkRunDir(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("directory for plugin sockets: %w", err)
	}
	if room := socketPathMax - socketPathNeed; len(abs) > room {
		return fmt.Errorf("directory for plugin sockets: %s has %d bytes, but a socket's path leaves room for %d; set TMPDIR to a shorter one",
			abs, len(abs), room)
	}
	return nil
}

// makeSocketDir makes a directory that only this user can enter.
func makeSocketDir(runDir string) (string, error) {
	abs, err := filepath.Abs(runDir)
	if err != nil {
		return "", err
	}
	return os.MkdirTemp(abs, "meshos-") // 0700, with up to ten digits
}
