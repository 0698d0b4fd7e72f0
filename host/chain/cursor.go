package chain

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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
