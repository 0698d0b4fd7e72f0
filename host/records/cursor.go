package records

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/meshos/meshos/host/mesh"
)

// place is the last entry of a chain that an appender holds. Its epoch and seq tell
// whether the log is still the one in which the number was counted.
type place struct {
	Number uint64 `json:"number,string"`
	Epoch  uint64 `json:"epoch,string"`
	Seq    uint64 `json:"seq,string"`
}

// cursorsName is the folder of the cursors, beside those of the chains.
const cursorsName = "cursors"

// cursorFile keeps an appender's cursors over a restart. It may be behind: what comes
// again then is told by its epoch and seq.
type cursorFile struct{ path string }

// load gives the cursors by chain; none when there is no file yet.
func (f cursorFile) load() (out [len(marks{})]place, err error) {
	raw, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return out, fmt.Errorf("cursors: %w", err)
	}
	var stored map[string]place
	if err := json.Unmarshal(raw, &stored); err != nil {
		return out, fmt.Errorf("cursors in %s: %w", f.path, err)
	}
	for _, c := range allChains() {
		out[c] = stored[c.String()]
	}
	return out, nil
}

// save replaces the file, all of it or nothing.
func (f cursorFile) save(places [len(marks{})]place, chains []mesh.RecordChain) error {
	stored := map[string]place{}
	for _, c := range chains {
		if places[c].Number > 0 {
			stored[c.String()] = places[c]
		}
	}
	raw, err := json.MarshalIndent(stored, "", "  ")
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

// Held is the newest record of a chain that an appender holds, by its cursor.
type Held struct {
	Appender   string
	Chain      string
	Number     uint64 // in the chain
	Epoch, Seq uint64
}

// HeldBy reads the cursors in a folder of records. A log that ends before one of them
// was cut off. There is none where there is no appender, or the folder is a copy
// without them. The error names the files that can't be read; what the others say is
// given all the same.
func HeldBy(dir string) ([]Held, error) {
	entries, err := os.ReadDir(filepath.Join(dir, cursorsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cursors: %w", err)
	}
	var out []Held
	var bad []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") { // one that is being written
			continue
		}
		places, err := cursorFile{path: filepath.Join(dir, cursorsName, e.Name())}.load()
		if err != nil {
			bad = append(bad, err)
			continue
		}
		for _, c := range allChains() {
			if at := places[c]; at.Number > 0 {
				out = append(out, Held{Appender: e.Name(), Chain: c.String(), Number: at.Number, Epoch: at.Epoch, Seq: at.Seq})
			}
		}
	}
	return out, errors.Join(bad...)
}
