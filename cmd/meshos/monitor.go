package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/meshos/meshos/cmd/meshos/internal/sign"
	"github.com/meshos/meshos/cmd/meshos/internal/view"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// errDone ends the stream of snapshots when the drain is done.
var errDone = errors.New("done")

// monitor shows a drain until it is done or has failed.
func (a *app) monitor(
	ctx context.Context, node *nodeClient, command sign.Command, record *meshosv1.AdminAuditRecord, epoch uint64, output outputFlag,
) error {
	m := &drainMonitor{
		app: a, record: record.GetSeq(), epoch: epoch, output: output, since: map[string]time.Time{},
		printer: a.printer(a.out), redraw: output == outputTable && terminal(a.out),
	}
	_, m.maintenance = command.Event.GetKind().(*meshosv1.AdminEvent_EnterMaintenance)
	if drained := drainedNode(command.Event); command.OnlyOn == 0 && node.inMesh && drained != record.GetNode() {
		other, err := a.connectTo(strconv.FormatUint(drained, 10))
		if err != nil {
			return err
		}
		defer other.close()
		node, m.record, m.epoch, m.height = other, 0, 0, record.GetHeight()
	}
	err := m.watch(ctx, node)
	switch {
	case errors.Is(err, errDone):
		return nil
	case ctx.Err() != nil:
		a.note("the drain goes on; meshos status -w shows it, and " + m.undo() + " cancels it")
		return ctx.Err()
	}
	return err
}

// attachWithin is how long a monitor waits for a node that is gone: a machine may be rebooted
// meanwhile.
const attachWithin = 30 * time.Minute

// watch shows the drain until it is over. A node that ends keeps its drain and continues it
// when it is started again, so the monitor waits for that.
func (m *drainMonitor) watch(ctx context.Context, node *nodeClient) error {
	for {
		watching, stop := context.WithCancel(ctx)
		stream, err := node.watchAll(watching)
		err = receive(watching, node, stream, err, documents(func(s *meshosv1.Snapshot) error {
			m.backAgain()
			m.over = m.see(s)
			return m.over
		}))
		stop()
		var silent *noAnswerError
		switch {
		case m.over != nil:
			return m.over
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !errors.As(err, &silent):
			return err
		}
		now := m.app.now()
		if m.away.IsZero() {
			m.away = now
			m.clear()
			m.app.note("the node does not answer any more; the monitor waits until it is started again")
		}
		if now.Sub(m.away) > attachWithin {
			return fmt.Errorf("the node has not answered for %v; its drain goes on when it is started again: %w", attachWithin, err)
		}
		select {
		case <-time.After(attachEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
		node.conn.ResetConnectBackoff()
	}
}

// backAgain notes that a node that was away answers.
func (m *drainMonitor) backAgain() {
	if m.away.IsZero() {
		return
	}
	m.away = time.Time{}
	m.app.note("the node answers again")
}

// clear removes the page from the terminal.
func (m *drainMonitor) clear() {
	if m.redraw {
		_, _ = io.WriteString(m.app.out, m.erase())
	}
}

// drainedNode returns the node that a drain, or an entering of maintenance, empties.
func drainedNode(event *meshosv1.AdminEvent) uint64 {
	return max(event.GetDrain().GetNode(), event.GetEnterMaintenance().GetNode())
}

// drainMonitor shows the progress of a drain.
type drainMonitor struct {
	app         *app
	maintenance bool // the drain is part of entering maintenance
	record      uint64
	epoch       uint64
	height      uint64 // of the order in the log of the mesh, if another node is drained
	output      outputFlag
	printer     view.Printer
	redraw      bool

	since map[string]time.Time
	last  string
	rows  int       // of the page on the terminal
	over  error     // why the drain is over; nil while it goes on
	away  time.Time // since when the node does not answer; zero while it does
}

func (m *drainMonitor) undo() string {
	if m.maintenance {
		return "meshos admin exit-maintenance"
	}
	return "meshos admin uncordon"
}

// folded reports whether a node has folded an order of its mesh.
func folded(s *meshosv1.Snapshot, height uint64) bool {
	for _, r := range s.GetAdminAudit() {
		if r.GetInMesh() && r.GetHeight() >= height {
			return true
		}
	}
	return s.GetMesh().GetHeight() > height
}

// see takes one snapshot. It returns errDone when the drain is done.
func (m *drainMonitor) see(s *meshosv1.Snapshot) error {
	if s.GetTick() == 0 || s.GetEpoch() == m.epoch && lastAudit(s) < m.record || m.height > 0 && !folded(s, m.height) {
		return nil // taken before the command, or before a node that was restarted knows anything
	}
	end := drainOver(s, m.maintenance)
	if m.output == outputJSON {
		if err := m.showJSON(s); err != nil {
			return err
		}
		return end
	}
	if end == nil {
		return m.show(s)
	}
	if errors.Is(end, errDone) {
		_, err := fmt.Fprintf(m.app.out, "%s%s\n", m.stamp(s), m.printer.Color.Apply(view.Good, m.doneWords(s)))
		return errors.Join(err, end)
	}
	return end
}

// drainOver returns nil while the drain of the node of a snapshot goes on, errDone when it is
// done, and else why it ended. The drain may be part of entering maintenance.
func drainOver(s *meshosv1.Snapshot, maintenance bool) error {
	local := s.GetLocalMaintenance()
	phase := local.GetPhase()
	if phase == meshosv1.MaintenancePhase_MAINTENANCE_PHASE_DRAIN_FAILED {
		return fmt.Errorf("the drain failed: %s\n    still there: %s", view.Plain(local.GetReason()), stillThere(local))
	}
	if maintenance {
		switch phase {
		case meshosv1.MaintenancePhase_MAINTENANCE_PHASE_MAINTENANCE:
			return errDone
		case meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ENTERING:
			return nil
		}
		return fmt.Errorf("the node is %s: another command canceled entering maintenance", view.Phase(phase))
	}
	switch {
	case phase != meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE:
		return fmt.Errorf("the node is %s: another command replaced the drain", view.Phase(phase))
	case local.GetDraining():
		return nil
	case !local.GetCordoned():
		return errors.New("the node is no longer cordoned: another command canceled the drain")
	case len(local.GetWaitingFor()) > 0:
		return nil
	}
	return errDone
}

func (m *drainMonitor) doneWords(s *meshosv1.Snapshot) string {
	if m.maintenance {
		return fmt.Sprintf("Node %d is in maintenance: its processes have ended and its replicas are gone.", s.GetNode())
	}
	return fmt.Sprintf("Node %d is drained: its processes have ended and its replicas are gone. It stays cordoned.", s.GetNode())
}

// stamp returns what a line begins with: the time, or what replaces the last page.
func (m *drainMonitor) stamp(s *meshosv1.Snapshot) string {
	if m.redraw {
		return m.erase()
	}
	return m.printer.Clock(s.GetTakenAt()) + " "
}

// erase removes the page that was shown last.
func (m *drainMonitor) erase() string {
	text := view.Erase(m.rows)
	m.rows = 0
	return text
}

// show prints what is left: on a terminal in place of the last page, and else as a line
// whenever it changed.
func (m *drainMonitor) show(s *meshosv1.Snapshot) error {
	now := s.GetTakenAt().AsTime()
	items := view.DrainItems(s)
	since := make(map[string]time.Time, len(items))
	for i, item := range items {
		first, known := m.since[item.Name]
		if !known {
			first = now
		}
		since[item.Name] = first
		items[i].Waited = now.Sub(first)
	}
	m.since = since
	if m.redraw {
		page := m.page(s, items)
		text := m.erase() + view.WithoutWrap(page)
		m.rows = strings.Count(page, "\n")
		_, err := io.WriteString(m.app.out, text)
		return err
	}
	line := view.DrainLine(s, items)
	if line == m.last {
		return nil
	}
	m.last = line
	_, err := fmt.Fprintf(m.app.out, "%s%s\n", m.stamp(s), line)
	return err
}

// page returns what fits on the terminal.
func (m *drainMonitor) page(s *meshosv1.Snapshot, items []view.DrainItem) string {
	what := "Draining"
	if m.maintenance {
		what = "Entering maintenance"
	}
	shown := len(items)
	if file, ok := m.app.out.(*os.File); ok {
		if _, height, err := term.GetSize(int(file.Fd())); err == nil {
			shown = max(1, min(shown, height-5))
		}
	}
	return m.printer.Drain(what, s, items, shown)
}

func (m *drainMonitor) showJSON(s *meshosv1.Snapshot) error {
	local := s.GetLocalMaintenance()
	state := fmt.Sprint(local.GetPhase(), local.GetDraining(), local.GetCordoned(), local.GetWaitingFor())
	if state == m.last {
		return nil
	}
	m.last = state
	return view.JSON(m.app.out, local, true)
}

func stillThere(m *meshosv1.MaintenanceView) string {
	if len(m.GetWaitingFor()) == 0 {
		return "nothing"
	}
	return view.Plain(strings.Join(m.GetWaitingFor(), ", "))
}
