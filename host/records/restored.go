package records

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/meshos/meshos/internal/readfile"
)

// restoredName is a file beside the chains that says how they came there, until the node has
// reported it.
const restoredName = "restored"

// SayRestored has the node that begins with a folder of records report that they were restored.
func SayRestored(dir, text string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("restored records: %w", err)
	}
	if err := renameio.WriteFile(filepath.Join(dir, restoredName), []byte(text+"\n"), 0o600, renameio.WithTempDir(dir)); err != nil {
		return fmt.Errorf("restored records: %w", err)
	}
	return nil
}

// reportRestored reports what SayRestored left.
func (w *writer) reportRestored() {
	if w.dir == "" {
		return
	}
	path := filepath.Join(w.dir, restoredName)
	text, err := readfile.Read(path, readfile.MaxText)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		w.log.Warn("why there are records can't be read", "error", err)
		return
	}
	said := strings.TrimSpace(string(text))
	w.log.Warn(said)
	w.reports = append(w.reports, said)
	if err := os.Remove(path); err != nil {
		w.log.Warn("it will be said again that the records were restored", "error", err)
	}
}
