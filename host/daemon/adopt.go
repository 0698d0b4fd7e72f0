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
	"github.com/meshos/meshos/internal/unwritable"
)

const (
	// recordWait is how long a shim that an earlier node had just started may take to write
	// its record, or to find out that nobody waits for its response.
	recordWait = 2 * time.Second
	recordPoll = 10 * time.Millisecond
)

// Adopt takes over, and logs, what an earlier Manager left in the same Dir: daemons that run
// go on and are published as started, those that ended meanwhile are published as ended the
// way they did, and those that are no longer configured are stopped. Call it after Configure
// and before anything is started. It returns when all records are read; the events follow.
// Then it looks at what the others point at, and publishes which of them are rejected.
func (m *Manager) Adopt(ctx context.Context) error {
	err := m.adoptAll(ctx)
	m.mu.Lock()
	m.adopted = true
	specs := m.all()
	m.mu.Unlock()
	m.look(specs)
	return err
}

func (m *Manager) adoptAll(ctx context.Context) error {
	entries, err := os.ReadDir(m.opts.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("adopt daemons: %w", err)
	}
	var ids []mesh.DaemonID
	for _, e := range entries {
		id, err := strconv.ParseUint(e.Name(), 10, 64)
		if err == nil && id != 0 && e.IsDir() && e.Name() == strconv.FormatUint(id, 10) {
			ids = append(ids, mesh.DaemonID(id))
		}
	}
	ids = append(ids, m.withoutFolder()...)
	var failed []error
	for _, id := range ids {
		if err := m.adopt(ctx, id); err != nil {
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

// withoutFolder returns the configured daemons that have no folder, because none can be made:
// they may run all the same.
func (m *Manager) withoutFolder() (ids []mesh.DaemonID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, spec := range m.all() {
		folder := shim.FolderOf(m.opts.Dir, spec.Daemon.ID)
		if _, err := os.Stat(string(folder)); errors.Is(err, fs.ErrNotExist) && unwritable.Is(folder.Make()) {
			ids = append(ids, spec.Daemon.ID)
		}
	}
	return ids
}

// readRest reads what a daemon that does not run printed, and an earlier node had not recorded.
func (m *Manager) readRest(spec Spec) {
	r := m.newRun(spec)
	close(r.ended)
	m.lookers.Go(func() { r.follow() })
}

// adopt takes over one daemon, if it has a record.
func (m *Manager) adopt(ctx context.Context, id mesh.DaemonID) error {
	folder := shim.FolderOf(m.opts.Dir, id)
	if left := folder.LoadLeft(); len(left) > 0 {
		m.keepLeft(id, left)
	}
	rec, err := awaitRecord(ctx, folder)
	m.mu.Lock()
	spec, known := m.specs[id]
	m.mu.Unlock()
	if rec.ID == 0 && err == nil { // it has no record
		rec.ID, rec.Name, rec.Command, rec.Hash, rec.Started = id, spec.Daemon.Name, spec.Command, spec.hash(), time.Now()
	}
	if errors.Is(err, fs.ErrNotExist) && !known {
		return folder.Remove() // left by a daemon that is no longer configured
	}
	if errors.Is(err, fs.ErrNotExist) {
		m.readRest(spec)
		return nil
	}
	if err != nil {
		return err
	}
	if !known {
		spec = Spec{Daemon: rec.Daemon(), Command: rec.Command}
	}
	switch {
	case rec.End == nil || !rec.End.Told:
	case !known:
		return folder.Remove()
	case !rec.Shim.Here():
		return folder.RemoveRecord() // it had finished before the machine was started again
	}
	r := m.newRun(spec)
	r.adopted, r.hash, r.fingerprint, r.since = true, rec.Hash, rec.Environment, rec.Started
	m.setUnmet(r, rec.Unmet, false) // it was said when it started
	var h *process.Handle
	if rec.End == nil || rec.End.Afterwards {
		if h, err = process.Open(rec.Shim); err != nil && !errors.Is(err, process.ErrGone) {
			return err
		}
	}
	r.endedBefore = h == nil
	if r.endedBefore && rec.End != nil && rec.Shim.Here() {
		r.over = r.finishes(endOf(*rec.End, rec.Hash))
	}
	m.mu.Lock()
	m.runs[id] = r
	m.mu.Unlock()
	m.setLatest(r)
	if h != nil {
		r.attach(h, rec.Process.PID, "adopted process %d, which an earlier run of the node started")
		if known && rec.Hash != spec.hash() {
			r.noteOldSpec()
		}
	}
	go r.supervise() // Close waits for it through r.finished
	if !known {
		r.stop("it is no longer in the configuration", m.opts.StopGrace)
	}
	return nil
}

// awaitRecord reads a daemon's record once no shim is about to write the first one.
func awaitRecord(ctx context.Context, folder shim.Folder) (shim.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, recordWait)
	defer cancel()
	tick := time.NewTicker(recordPoll)
	defer tick.Stop()
	for {
		locked := folder.Locked() // before the record is read, which may be written in between
		rec, err := folder.Load()
		// The record may be of an earlier run, and could not be replaced.
		if err == nil && (locked || folder.Unlockable()) && gone(rec) && folder.ReadOnly() || err != nil && !locked && folder.Unlockable() {
			if other, found := folder.Find(); found && other.Shim != rec.Shim {
				return other, nil
			}
		}
		if !errors.Is(err, fs.ErrNotExist) || !locked {
			return rec, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if other, found := folder.Find(); found {
				return other, nil
			}
			return rec, errors.New("a process holds its lock and does not write a record")
		}
	}
}

// gone reports whether the shim of a record has ended, or is about to.
func gone(rec shim.Record) bool {
	if rec.End != nil {
		return true
	}
	h, err := process.Open(rec.Shim)
	if err != nil {
		return errors.Is(err, process.ErrGone)
	}
	h.Close()
	return false
}
