package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"github.com/meshos/meshos/internal/readfile"
)

const (
	// manifestName is the file that says what a backup holds.
	manifestName = "backup.json"
	format       = 1
)

// Manifest says what a backup holds.
type Manifest struct {
	Format   int              `json:"format"`
	Node     uint64           `json:"node,string"`
	Version  string           `json:"version"` // of meshos
	TakenAt  time.Time        `json:"taken_at"`
	Complete bool             `json:"complete"`      // false while it is being made
	Chains   map[string]Chain `json:"chains"`        // of records, and the ordered log
	Height   uint64           `json:"height,string"` // of the newest order
}

// Chain is what a backup holds of one chain.
type Chain struct {
	Files   int    `json:"files"`
	Records uint64 `json:"records,string"`
	First   uint64 `json:"first,string"` // numbers in the chain
	Last    uint64 `json:"last,string"`
}

// NoBackupError means that a folder has no backup in it.
type NoBackupError struct{ Dir, Why string }

// Error implements error.
func (e *NoBackupError) Error() string {
	return fmt.Sprintf("%s is not a backup of a node: %s", e.Dir, e.Why)
}

// ReadManifest reads the manifest of a backup; nil for none.
func ReadManifest(dir string) (*Manifest, error) {
	raw, err := readfile.Read(filepath.Join(dir, manifestName), readfile.MaxText)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, &NoBackupError{Dir: dir, Why: fmt.Sprintf("%s can't be read: %v", manifestName, err)}
	}
	if m.Format != format {
		return nil, &NoBackupError{Dir: dir, Why: fmt.Sprintf("%s is of format %d, this version of meshos knows %d", manifestName, m.Format, format)}
	}
	return &m, nil
}

func (m *Manifest) write(dir string) error {
	raw, err := json.MarshalIndent(m, "", "  ")
	if err == nil {
		err = renameio.WriteFile(filepath.Join(dir, manifestName), append(raw, '\n'), 0o600, renameio.WithTempDir(dir))
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}
