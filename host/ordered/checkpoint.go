package ordered

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/readfile"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	checkpointName = "checkpoint"
	// baseName is the checkpoint behind which the log begins: the entries before it may be
	// dropped. It stands in for a newer one that is damaged.
	baseName = "checkpoint.base"
	// version is that of the checkpoint and of the entries. A version that gives one of
	// them a field or a meaning raises it, so that older versions refuse to start instead
	// of losing it. A field of entries alone need not: who does not know it refuses the entry.
	version = 2
	// maxCheckpoint bounds the file: hundreds of thousands of orders about chains.
	maxCheckpoint = 256 << 20
	readWithin    = 10 * time.Second
)

// errDamaged means that a checkpoint is not what was written.
var errDamaged = errors.New("it is damaged")

// readCheckpoint reads a checkpoint of a folder; nil if there is none. The error wraps
// errDamaged, or is a *NewerError, or one of the file system.
func readCheckpoint(dir, name string) (*meshosv1.OrderedCheckpoint, error) {
	raw, err := readfile.ReadWithin(filepath.Join(dir, name), maxCheckpoint, readWithin)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	head, body, _ := bytes.Cut(raw, []byte("\n"))
	var wrote uint32
	var sum string
	if _, err := fmt.Sscanf(string(head), "meshos orders %d %s", &wrote, &sum); err != nil {
		return nil, fmt.Errorf("%w: its first line can't be read", errDamaged)
	}
	if wrote > version {
		return nil, &NewerError{Dir: dir, What: fmt.Sprintf("the checkpoint (format %d, this version reads %d)", wrote, version)}
	}
	if got := sha256.Sum256(body); hex.EncodeToString(got[:]) != sum {
		return nil, fmt.Errorf("%w: its checksum is wrong", errDamaged)
	}
	var c meshosv1.OrderedCheckpoint
	if err := proto.Unmarshal(body, &c); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if wire.HasUnknown(c.ProtoReflect()) {
		return nil, &NewerError{Dir: dir, What: "the checkpoint"}
	}
	if !c.GetTakenAt().IsValid() || c.GetState() == nil || len(c.GetHead()) != 0 && len(c.GetHead()) != sha256.Size {
		return nil, fmt.Errorf("%w: it is not complete", errDamaged)
	}
	return &c, nil
}

// writeCheckpoint replaces a checkpoint of a folder at once: whatever happens, there is the
// old one or the new one.
func writeCheckpoint(dir, name string, c *meshosv1.OrderedCheckpoint) error {
	c.Version = version
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(c)
	if err != nil {
		return fmt.Errorf("checkpoint of orders: %w", err)
	}
	sum := sha256.Sum256(body)
	raw := append(fmt.Appendf(nil, "meshos orders %d %s\n", version, hex.EncodeToString(sum[:])), body...)
	if err := renameio.WriteFile(filepath.Join(dir, name), raw, 0o600, renameio.WithTempDir(dir)); err != nil {
		return fmt.Errorf("checkpoint of orders: %w", err)
	}
	return syncDir(dir)
}

// syncDir makes a rename in the folder survive a power loss.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("checkpoint of orders: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
