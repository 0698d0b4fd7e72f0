package records

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/readfile"
)

// cursor is the last entry of a chain that an appender holds. Its epoch and seq show whether
// the log is still the one in which the number was counted.
type cursor struct {
	Number uint64 `json:"number,string"`
	Epoch  uint64 `json:"epoch,string"`
	Seq    uint64 `json:"seq,string"`
}

// stored is a cursor on disk.
type stored struct {
	cursor
	// At is when the appender stored that entry: the chain had it then. Zero in files of
	// earlier versions.
	At time.Time `json:"at,omitzero"`
}

// cursorsName is the folder of the cursors, beside those of the chains.
const cursorsName = "cursors"

// cursorFile keeps an appender's cursors over a restart. It may be behind: the appender
// recognizes what comes again by epoch and seq.
type cursorFile struct{ path string }

// load reads the cursors; all are zero when there is no file yet. A file without a path holds
// nothing.
func (f cursorFile) load() (out perChain[stored], err error) {
	if f.path == "" {
		return out, nil
	}
	raw, err := readfile.Read(f.path, readfile.MaxText)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return out, fmt.Errorf("cursors: %w", err)
	}
	var all map[string]stored
	if err := json.Unmarshal(raw, &all); err != nil {
		return out, fmt.Errorf("cursors in %s: %w", f.path, err)
	}
	for _, c := range allChains() {
		out[c] = all[c.String()]
	}
	return out, nil
}

// save replaces the file atomically.
func (f cursorFile) save(cursors perChain[stored], chains []mesh.RecordChain) error {
	if f.path == "" {
		return nil
	}
	all := map[string]stored{}
	for _, c := range chains {
		if cursors[c].Number > 0 {
			all[c.String()] = cursors[c]
		}
	}
	raw, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("cursors: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return fmt.Errorf("cursors: %w", err)
	}
	if err := renameio.WriteFile(f.path, append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("cursors: %w", err)
	}
	return nil
}

// Cursor is the newest record of a chain that an appender holds.
type Cursor struct {
	Appender   string
	Chain      string
	Number     uint64 // in the chain
	Epoch, Seq uint64
	At         time.Time // when the appender stored it; zero if that is not known
}

// ReadCursors reads the cursors in a folder of records. A log that ends before one of them
// was cut off. Without an appender there are none, nor in a copy that was made without them.
// The error names the files that can't be read; the cursors of the others are returned all
// the same.
func ReadCursors(dir string) ([]Cursor, error) {
	entries, err := os.ReadDir(filepath.Join(dir, cursorsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cursors: %w", err)
	}
	var out []Cursor
	var bad []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") { // one that is being written
			continue
		}
		cursors, err := cursorFile{path: filepath.Join(dir, cursorsName, e.Name())}.load()
		if err != nil {
			bad = append(bad, err)
			continue
		}
		for _, c := range allChains() {
			if at := cursors[c]; at.Number > 0 {
				out = append(out, Cursor{Appender: e.Name(), Chain: c.String(), Number: at.Number, Epoch: at.Epoch, Seq: at.Seq, At: at.At})
			}
		}
	}
	return out, errors.Join(bad...)
}
