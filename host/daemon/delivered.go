package daemon

import (
	"math/rand/v2"
	"sync"

	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/daemon/spool"
	"github.com/meshos/meshos/host/mesh"
)

// delivered is how far the lines that one daemon printed are delivered, over all its runs. A line is
// delivered when it is on disk as a record of the node: one that the loop only has taken is lost
// with a node that is killed, so the next node has to read it again.
type delivered struct {
	m      *Manager
	daemon mesh.DaemonRef
	folder shim.Folder

	following sync.Mutex // held by the one goroutine that reads the files

	mu      sync.Mutex
	opened  bool
	spool   uint32
	taken   spool.Position   // by the loop
	stored  spool.Position   // as records
	unsaved bool             // the last saving failed
	waiting []spool.Position // ends of lines that the loop has taken and that are not stored
}

// deliveredOf returns how far the output of a daemon is delivered.
func (m *Manager) deliveredOf(daemon mesh.DaemonRef, folder shim.Folder) *delivered {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.delivered[daemon.ID]
	if d == nil {
		d = &delivered{m: m, daemon: daemon, folder: folder}
		m.delivered[daemon.ID] = d
	}
	return d
}

// Recorded notes that a line of a daemon, with all before it, is on disk as a record of this node, or
// is reported as lost.
func (m *Manager) Recorded(daemon mesh.DaemonID, place mesh.OutputPlace) {
	m.mu.Lock()
	d := m.delivered[daemon]
	m.mu.Unlock()
	if d != nil {
		d.recorded(place)
	}
}

// open returns the position at which reading goes on.
func (d *delivered) open() (spool.Position, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.opened {
		return d.taken, nil
	}
	c, err := spool.LoadCursor(d.folder.Cursor())
	if err != nil {
		return spool.Position{}, err
	}
	if last, ok := d.m.lastRecorded()[d.daemon.ID]; ok && last.Spool == c.Spool && c.Spool != 0 {
		// The node was killed between writing the record and saving this.
		if at := positionOf(last); c.At.Before(at) {
			c.At = at
		}
	}
	if c.Spool == 0 {
		c.Spool = rand.Uint32() | 1
	}
	d.opened, d.spool, d.taken, d.stored = true, c.Spool, c.At, c.At
	d.save()
	return d.taken, nil
}

// take notes that all lines before a position were handled, and whether the loop has taken the last
// of them; otherwise it was suppressed.
func (d *delivered) take(at spool.Position, logged bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.taken = at
	if logged {
		d.waiting = append(d.waiting, at)
		d.m.unrecorded.add(1)
	}
}

// place names a position for the record of the line before it.
func (d *delivered) place(at spool.Position) mesh.OutputPlace {
	d.mu.Lock()
	defer d.mu.Unlock()
	return mesh.OutputPlace{Spool: d.spool, Segment: at.Segment, Offset: uint64(at.Offset)}
}

func (d *delivered) recorded(place mesh.OutputPlace) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at := positionOf(place); d.opened && place.Spool == d.spool && d.stored.Before(at) {
		d.stored = at
		d.save()
		stored := 0
		for stored < len(d.waiting) && !at.Before(d.waiting[stored]) {
			stored++
		}
		d.waiting = d.waiting[stored:]
		d.m.unrecorded.add(-stored)
	}
}

// save is called with mu held.
func (d *delivered) save() {
	err := spool.Cursor{Spool: d.spool, At: d.stored}.Save(d.folder.Cursor())
	if err != nil && !d.unsaved {
		d.m.opts.Log.Warn("lines of a daemon may be logged twice", "daemon", d.daemon, "error", err)
	}
	d.unsaved = err != nil
}

func positionOf(p mesh.OutputPlace) spool.Position {
	return spool.Position{Segment: p.Segment, Offset: int64(p.Offset)}
}
