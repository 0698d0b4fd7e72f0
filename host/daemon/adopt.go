package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

const (
	// shimSettles is how long a shim that an earlier node had just begun may take to
	// note its daemon, or to find out that nobody waits for its answer.
	shimSettles = 2 * time.Second
	settlePoll  = 10 * time.Millisecond
)

// Adopt takes over, and logs, what an earlier Manager left in the same Dir: daemons that run go
// on and are told as started, those that ended meanwhile are told as ended the way
// they did, and those that are not configured any more are stopped. Call it after
// Configure and before anything is started. It returns when it is known what there
// is; the events follow.
func (m *Manager) Adopt(ctx context.Context) error {
	entries, err := os.ReadDir(m.opts.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("adopt daemons: %w", err)
	}
	var failed []error
	for _, e := range entries {
		id, err := strconv.ParseUint(e.Name(), 10, 64)
		if err != nil || id == 0 || !e.IsDir() || e.Name() != strconv.FormatUint(id, 10) {
			continue
		}
		if err := m.adopt(ctx, mesh.DaemonID(id)); err != nil {
			failed = append(failed, fmt.Errorf("adopt daemon %d: %w", id, err))
		}
	}
	if running := m.Running(); len(running) > 0 {
		m.opts.Log.Info("daemons of an earlier run go on", "daemons", processes(running))
	}
	if len(failed) > 0 {
		m.opts.Log.Error("daemons of an earlier run could not be taken over", "error", errors.Join(failed...))
	}
	return errors.Join(failed...)
}

// adopt takes over one daemon, if there is anything to take over.
func (m *Manager) adopt(ctx context.Context, id mesh.DaemonID) error {
	folder := shim.FolderOf(m.opts.Dir, id)
	rec, err := settled(ctx, folder)
	m.mu.Lock()
	spec, known := m.specs[id]
	m.mu.Unlock()
	if errors.Is(err, fs.ErrNotExist) && !known {
		return folder.Remove() // what a daemon left that was configured once
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !known {
		spec = Spec{Daemon: rec.Daemon(), Command: rec.Command}
	}
	r := m.newRun(spec)
	r.adopted, r.hash, r.since = true, rec.Hash, rec.Started
	var h *process.Handle
	if rec.End == nil {
		if h, err = process.Open(rec.Shim); err != nil && !errors.Is(err, process.ErrGone) {
			return err
		}
	}
	r.late = h == nil
	m.mu.Lock()
	m.runs[id] = r
	m.mu.Unlock()
	m.began(r)
	if h != nil {
		r.started(h, rec.Process.PID, "adopted process %d, which an earlier run of the node started")
		if known && rec.Hash != spec.hash() {
			r.sayKept()
		}
	}
	go r.supervise() // Close waits for it through r.over
	if !known {
		r.stop("it is no longer in the configuration", m.opts.StopGrace)
	}
	return nil
}

// settled gives a daemon's record once no shim is about to write the first one.
func settled(ctx context.Context, folder shim.Folder) (shim.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, shimSettles)
	defer cancel()
	tick := time.NewTicker(settlePoll)
	defer tick.Stop()
	for {
		busy := folder.Busy() // before the record is read, which may be written in between
		rec, err := folder.Load()
		if !errors.Is(err, fs.ErrNotExist) || !busy {
			return rec, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return rec, errors.New("a process supervises it that does not say what it does")
		}
	}
}
