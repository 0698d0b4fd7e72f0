package meshlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/readfile"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// BaseName is the file in the record's folder from which the log goes on: a StoredState.
const BaseName = "base"

// baseWithin bounds how long the base is read and written.
const baseWithin = 30 * time.Second

// ReadBase returns the base in the folder of a record; nil if the record begins with the first
// entry. All that the file says of itself is checked.
func ReadBase(dir string) (*cluster.Stored, error) {
	path := filepath.Join(dir, BaseName)
	raw, err := readfile.Read(path, cluster.MaxStored)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var in meshosv1.StoredState
	if err := proto.Unmarshal(raw, &in); err != nil || len(in.GetChain()) == 0 {
		return nil, fmt.Errorf("%s is damaged", path)
	}
	base, err := cluster.OpenStored(&in, cluster.HashOf(in.GetChain()[0]))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return base, nil
}

// writeBase replaces the base. It gives up a disk that does not answer. A write that has begun
// goes on when ctx ends, as that of an entry does: nothing is left that writes later.
func writeBase(ctx context.Context, dir string, base *cluster.Stored) error {
	raw, err := proto.Marshal(base.Proof)
	if err != nil {
		return fmt.Errorf("encode the base of the log: %w", err)
	}
	path := filepath.Join(dir, BaseName)
	_, err = readfile.DoContext(context.WithoutCancel(ctx), path, baseWithin, func() (struct{}, error) {
		if err := renameio.WriteFile(path, raw, 0o600, renameio.WithTempDir(dir)); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, syncDir(dir)
	})
	return err
}

// openBase reads the base of the record, and begins with it. A base that is damaged is as if the
// beginning of the record was lost.
func (l *Log) openBase() error {
	base, err := ReadBase(l.record.dir)
	var newer *cluster.NewerError
	if errors.As(err, &newer) {
		return fmt.Errorf("%w, or move %s away to fetch the log from the mesh anew", err, l.record.dir)
	}
	if err != nil {
		l.notes = append(l.notes, fmt.Sprintf("what the record goes on from can't be used, and is fetched from the mesh again: %v", err))
		return nil
	}
	if base == nil {
		return nil
	}
	l.base = base
	if l.state, err = copyOf(base.State); err != nil {
		return err
	}
	if base.Height() <= l.opts.Folded && base.Height() <= l.opts.Audited {
		return nil
	}
	now := l.opts.Now()
	for _, in := range l.missed(base.State, nil) {
		if base.Height() > l.opts.Folded {
			l.later = append(l.later, Later{base.State.Time(), in})
		}
		if base.Height() > l.opts.Audited {
			in.Restored = true
			l.unaudited = append(l.unaudited, in)
		}
	}
	l.opts.Log.Warn("this node did not fold what comes before the checkpoint from which its record of the log goes on: it does what holds there",
		"height", base.Height(), "before", l.opts.Folded, "at", now)
	return nil
}

// missed returns what the loop folds in place of the entries up to a base, which it has not.
func (l *Log) missed(base, before *cluster.State) []mesh.JudgedCommit {
	out := base.Holding(before)
	for i := range out {
		out[i].Ordered.Mesh = true
	}
	return out
}

// copyOf returns a state of its own.
func copyOf(s *cluster.State) (*cluster.State, error) { return cluster.FromProto(s.ToProto()) }
