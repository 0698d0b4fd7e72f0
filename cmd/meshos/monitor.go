package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// errDone ends a watch that saw what it waited for.
var errDone = errors.New("done")

// monitor watches a drain until nothing is left, or it failed.
func (a *app) monitor(
	ctx context.Context, node *nodeClient, o order, record *meshosv1.AdminAuditRecord, epoch uint64, output outputFlag,
) error {
	m := &drainMonitor{
		app: a, record: record.GetSeq(), epoch: epoch, output: output, since: map[string]time.Time{},
		paint: paint(a.colour(a.out)), redraw: output == outputTable && terminal(a.out),
	}
	_, m.maintenance = o.event.GetKind().(*meshosv1.AdminEvent_EnterMaintenance)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	stream, err := node.WatchSnapshots(watching, &hostv1.WatchSnapshotsRequest{})
	err = receive(watching, node, stream, err, m.see)
	switch {
	case errors.Is(err, errDone):
		return nil
	case ctx.Err() != nil:
		a.note("the drain goes on; meshos status -w shows it, and " + m.undo() + " ends it")
		return ctx.Err()
	case err == nil:
		return errors.New("the node stopped telling how the drain goes; see meshos status")
	}
	return err
}

// drainMonitor shows how a drain goes.
type drainMonitor struct {
	app         *app
	maintenance bool // it ends in maintenance
	record      uint64
	epoch       uint64
	output      outputFlag
	paint       paint
	redraw      bool

	since map[string]time.Time
	last  string
	rows  int // that stand on the terminal
}

func (m *drainMonitor) undo() string {
	if m.maintenance {
		return "meshos admin exit-maintenance"
	}
	return "meshos admin uncordon"
}

// see takes one snapshot. It gives errDone at the good end.
func (m *drainMonitor) see(s *meshosv1.Snapshot) error {
	if s.GetEpoch() == m.epoch && lastAudit(s) < m.record {
		return nil // from before the command
	}
	end := m.end(s)
	if m.output == outputJSON {
		if err := m.tellJSON(s); err != nil {
			return err
		}
		return end
	}
	if end == nil {
		return m.tell(s)
	}
	if errors.Is(end, errDone) {
		_, err := fmt.Fprintf(m.app.out, "%s%s\n", m.stamp(s), m.paint.in(good, m.doneWords(s)))
		return errors.Join(err, end)
	}
	return end
}

// end says whether it is over, and how.
func (m *drainMonitor) end(s *meshosv1.Snapshot) error {
	local := s.GetLocalMaintenance()
	phase := local.GetPhase()
	if phase == meshosv1.MaintenancePhase_MAINTENANCE_PHASE_DRAIN_FAILED {
		return fmt.Errorf("the drain failed: %s\n    still there: %s", plain(local.GetReason()), leftWords(local))
	}
	if m.maintenance {
		switch phase {
		case meshosv1.MaintenancePhase_MAINTENANCE_PHASE_MAINTENANCE:
			return errDone
		case meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ENTERING:
			return nil
		}
		return fmt.Errorf("the node is %s: another command, or a restart, ended the entering", phaseWord(phase))
	}
	switch {
	case phase != meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE:
		return fmt.Errorf("the node is %s: another command took over from the drain", phaseWord(phase))
	case local.GetDraining():
		return nil
	case !local.GetCordoned():
		return errors.New("the node is not cordoned any more: another command, or a restart, ended the drain")
	case len(local.GetWaitingFor()) > 0:
		return nil
	}
	return errDone
}

func phaseWord(p meshosv1.MaintenancePhase) string {
	return enumWord(p.String(), "MAINTENANCE_PHASE_")
}

func (m *drainMonitor) doneWords(s *meshosv1.Snapshot) string {
	if m.maintenance {
		return fmt.Sprintf("Node %d is in maintenance: its processes have ended and its replicas are gone.", s.GetNode())
	}
	return fmt.Sprintf("Node %d is drained: its processes have ended and its replicas are gone. It stays cordoned.", s.GetNode())
}

// stamp begins a line where lines follow each other.
func (m *drainMonitor) stamp(s *meshosv1.Snapshot) string {
	if m.redraw {
		return m.wipe()
	}
	return clock(s.GetTakenAt(), m.app.zone) + " "
}

// wipe goes back to where the last page began.
func (m *drainMonitor) wipe() string {
	if m.rows == 0 {
		return ""
	}
	text := fmt.Sprintf("\x1b[%dF\x1b[J", m.rows)
	m.rows = 0
	return text
}

// tell shows what is left: in place on a terminal, else whenever it changed.
func (m *drainMonitor) tell(s *meshosv1.Snapshot) error {
	now := s.GetTakenAt().AsTime()
	left := whatIsLeft(s)
	kept := make(map[string]time.Time, len(left))
	for i, item := range left {
		first, known := m.since[item.name]
		if !known {
			first = now
		}
		kept[item.name] = first
		left[i].waited = now.Sub(first)
	}
	m.since = kept
	if m.redraw {
		page := m.page(s, left)
		text := m.wipe() + "\x1b[?7l" + page + "\x1b[?7h"
		m.rows = strings.Count(page, "\n")
		_, err := io.WriteString(m.app.out, text)
		return err
	}
	var b strings.Builder
	for _, item := range left {
		fmt.Fprintf(&b, "; %s: %s", item.name, item.why)
	}
	line := "nothing is left, the node confirms it soon"
	if len(left) > 0 {
		line = "left: " + strings.TrimPrefix(b.String(), "; ")
	}
	if s.FreezeRemaining != nil {
		line = "frozen; " + line
	}
	if line == m.last {
		return nil
	}
	m.last = line
	_, err := fmt.Fprintf(m.app.out, "%s%s\n", m.stamp(s), line)
	return err
}

// page is what stands on a terminal.
func (m *drainMonitor) page(s *meshosv1.Snapshot, left []leftItem) string {
	local := s.GetLocalMaintenance()
	what := "Draining"
	if m.maintenance {
		what = "Entering maintenance"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s for %s, %s left", m.paint.in(strong, what), span(local.GetSince()), counted(len(left), "thing"))
	if local.Deadline != nil {
		fmt.Fprintf(&b, ", %s to go", span(local.GetDeadline()))
	}
	b.WriteString("\n")
	if s.FreezeRemaining != nil {
		b.WriteString("  " + m.paint.in(warning, "the cluster is frozen for another "+span(s.GetFreezeRemaining())+": nothing moves") + "\n")
	}
	most := len(left)
	if file, ok := m.app.out.(*os.File); ok {
		if _, height, err := term.GetSize(int(file.Fd())); err == nil {
			most = max(1, min(most, height-5))
		}
	}
	for _, item := range left[:most] {
		fmt.Fprintf(&b, "  %s  %s, waited for %s\n", item.name, item.why, shortSpan(item.waited.Round(time.Second)))
	}
	if more := len(left) - most; more > 0 {
		fmt.Fprintf(&b, "  … %d more\n", more)
	}
	return b.String()
}

func (m *drainMonitor) tellJSON(s *meshosv1.Snapshot) error {
	local := s.GetLocalMaintenance()
	state := fmt.Sprint(local.GetPhase(), local.GetDraining(), local.GetCordoned(), local.GetWaitingFor())
	if state == m.last {
		return nil
	}
	m.last = state
	return writeJSON(m.app.out, local, true)
}
