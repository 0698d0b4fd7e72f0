package operator

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"github.com/meshos/meshos/internal/readfile"
)

// Folder is the name of the authorizer's folder in a data directory.
const Folder = "operator"

// Copy copies what a node remembers of accepted commands from its data directory to another
// one, while the node may write to it. A line that is only now being written is left out.
func Copy(from, to string) error {
	text, err := readfile.Read(filepath.Join(from, Folder, storeName), maxStore)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("copy the memory of accepted commands: %w", err)
	}
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	dir := filepath.Join(to, Folder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("copy the memory of accepted commands: %w", err)
	}
	if err := renameio.WriteFile(filepath.Join(dir, storeName), text, 0o600, renameio.WithTempDir(dir)); err != nil {
		return fmt.Errorf("copy the memory of accepted commands: %w", err)
	}
	return syncDir(dir)
}

// RaiseFloor has the node that begins with a data directory reject all commands that were
// issued up to a time. Which of them were accepted before, a copy of the memory does not know.
func RaiseFloor(dataDir string, until time.Time) error {
	dir := filepath.Join(dataDir, Folder)
	entries, _, err := loadStore(dir)
	if err != nil {
		return err
	}
	entries = append(entries, entry{Floor: until.UnixMilli()})
	s, err := openStore(dir, func() []entry { return entries })
	if err != nil {
		return err
	}
	return s.close()
}
