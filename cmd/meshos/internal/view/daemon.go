package view

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func (p Printer) daemons(b *strings.Builder, page Page) {
	var bad, well []*meshosv1.DaemonView
	var rest counts
	for _, d := range page.Snapshot.GetDaemons() {
		if word, _ := daemonBad(d); word != "" || d.GetOutdated() || d.GetWaiting() != "" || d.GetOrdered() != nil || len(d.GetNotes()) > 0 {
			bad = append(bad, d)
			continue
		}
		well = append(well, d)
		rest.add(daemonState(d).text)
	}
	if page.Filter.All {
		bad, rest = append(bad, well...), counts{}
	}
	t, notes := p.daemonRows(bad)
	p.section(b, page, "DAEMONS", t, &rest)
	b.WriteString(notes)
}

// Daemons shows the daemons of a node, and below them what is wrong with each.
func (p Printer) Daemons(s *meshosv1.Snapshot) string {
	var b strings.Builder
	p.daemonTable(&b, "", s.GetDaemons())
	return b.String()
}

func (p Printer) daemonTable(b *strings.Builder, title string, daemons []*meshosv1.DaemonView) {
	t, notes := p.daemonRows(daemons)
	t.title, t.empty = title, "none"
	t.write(b, p)
	b.WriteString(notes)
}

// daemonRows returns a table of daemons, and what is wrong with each: reasons are long, and
// in the table they would push the rest off the screen.
func (p Printer) daemonRows(daemons []*meshosv1.DaemonView) (*table, string) {
	t := &table{columns: []string{"ID", "NAME", "STATE", "FOR", "PID", "RESTARTS", "WANTED", "HEALTH"}}
	var notes strings.Builder
	for _, d := range daemons {
		age := span(d.GetAge())
		if d.GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_STOPPED && d.GetAge().AsDuration() == 0 {
			age = "-" // it has not run
		}
		t.add(text(idOf(d.GetDaemon().GetId())), text(OrDash(d.GetDaemon().GetName())), daemonState(d), text(age),
			text(pid(d.GetPid())), text(idOf(d.GetRestarts())), text(enumWord(d.GetIntent().String(), "INTENT_")), daemonHealth(d))
		if d.GetOrdered() != nil {
			p.note(&notes, nameOrNumber(d.GetDaemon()), Warning, "ordered to "+
				enumWord(d.GetIntent().String(), "INTENT_")+strings.TrimPrefix(ordered(d.GetOrdered()), "ordered"))
		}
		if note := DaemonTrouble(d); note != "" {
			p.note(&notes, nameOrNumber(d.GetDaemon()), daemonState(d).style, note)
		}
	}
	return t, notes.String()
}

// note writes what is to be said of one row below a table.
func (p Printer) note(b *strings.Builder, name string, style Style, words string) {
	b.WriteString("  " + p.Color.Apply(style, name+":") + " ")
	p.flow(b, displayWidth(name)+4, 4, styled{text: words})
}

func nameOrNumber(d *meshosv1.DaemonRef) string {
	if d.GetName() == "" {
		return "daemon " + idOf(d.GetId())
	}
	return Plain(d.GetName())
}

func nameOrID(d *meshosv1.DaemonRef) string {
	if d.GetName() == "" {
		return idOf(d.GetId())
	}
	return Plain(d.GetName())
}

// daemonState returns the state of a daemon in a word or two. One that waits to be started
// again is not just stopped.
func daemonState(d *meshosv1.DaemonView) cell {
	wanted := d.GetIntent() == meshosv1.DaemonIntent_INTENT_RUN
	switch d.GetLifecycle() {
	case meshosv1.DaemonView_LIFECYCLE_RUNNING:
		if d.GetCrashes() > 0 {
			return cell{text: "running", style: Warning}
		}
		return cell{text: "running", style: Good}
	case meshosv1.DaemonView_LIFECYCLE_STOPPED:
	default:
		return cell{text: enumWord(d.GetLifecycle().String(), "LIFECYCLE_"), style: Warning}
	}
	switch {
	case d.GetRejected() != "":
		return cell{text: "rejected", style: Bad}
	case !wanted:
		return cell{text: "stopped"}
	case d.GetOutcome() == meshosv1.DaemonView_OUTCOME_DONE:
		return cell{text: "done", style: Good}
	case d.GetOutcome() == meshosv1.DaemonView_OUTCOME_FAILED:
		return cell{text: "failed", style: Bad}
	case d.GetRestart() == meshosv1.DaemonView_RESTART_CRASH_LOOPING:
		return cell{text: "crash-looping", style: Bad}
	case d.GetRestart() == meshosv1.DaemonView_RESTART_BACKING_OFF, d.GetCrashes() > 0:
		return cell{text: "crashed", style: Bad}
	case d.GetStartError() != "":
		return cell{text: "not started", style: Bad}
	}
	if d.GetWaiting() != "" {
		return cell{text: "waiting", style: Warning}
	}
	return cell{text: "stopped", style: Warning}
}

func daemonHealth(d *meshosv1.DaemonView) cell {
	c := cell{text: enumWord(d.GetHealth().GetStatus().String(), "STATUS_")}
	if unchecked(d) {
		return cell{text: "unchecked", style: Warning}
	}
	switch d.GetHealth().GetStatus() {
	case meshosv1.DaemonHealth_STATUS_HEALTHY:
		c.style = Good
	case meshosv1.DaemonHealth_STATUS_DEGRADED:
		c.style = Warning
	case meshosv1.DaemonHealth_STATUS_UNHEALTHY:
		c.style = Bad
	}
	return c
}

// unchecked reports whether nothing is known of a daemon's health because its check can't
// be made.
func unchecked(d *meshosv1.DaemonView) bool {
	return d.GetHealth().GetStatus() == meshosv1.DaemonHealth_STATUS_UNSPECIFIED && d.GetHealth().GetReason() != ""
}

// DaemonTrouble returns what is wrong with a daemon and when it is started again: `crashed 4
// times (exit 3: "boom"), again in 3s`. It returns "" if nothing is.
func DaemonTrouble(d *meshosv1.DaemonView) string {
	var parts []string
	if d.GetRejected() != "" {
		parts = append(parts, "its entry can't be used: "+Plain(d.GetRejected()))
	}
	if reason := d.GetHealth().GetReason(); reason != "" {
		parts = append(parts, daemonHealth(d).text+": "+Plain(reason))
	}
	if d.GetOutcome() == meshosv1.DaemonView_OUTCOME_FAILED {
		parts = append(parts, fmt.Sprintf("failed (%s) and is not started again, since its restart is %s; meshos daemon start %s runs it again",
			daemonExit(d.GetLastExit()), Plain(d.GetRestartMode()), nameOrID(d.GetDaemon())))
	} else if crashed := crashes(d); crashed != "" {
		parts = append(parts, crashed)
	}
	if d.GetStartError() != "" {
		parts = append(parts, Plain(d.GetStartError()))
	}
	next := d.NextStart
	if next == nil {
		next = d.RestartIn
	}
	if next != nil && len(parts) > 0 {
		parts[len(parts)-1] += again(next.AsDuration())
	}
	if d.GetWaiting() != "" {
		parts = append(parts, Plain(d.GetWaiting()))
	}
	if d.GetOutdated() {
		parts = append(parts, "it runs with an older configuration; a restart takes over the present one")
	}
	for _, note := range d.GetNotes() {
		parts = append(parts, Plain(note))
	}
	return strings.Join(parts, "; ")
}

// again returns when something is tried again.
func again(in time.Duration) string {
	if in <= 0 {
		return ", again now"
	}
	return ", again in " + span(durationpb.New(in))
}

func crashes(d *meshosv1.DaemonView) string {
	text := "crashed"
	end := daemonExit(d.GetLastExit())
	if why := d.GetLastExit().GetUnhealthy(); why != "" {
		text, end = "was unhealthy", Plain(why)
	}
	switch n := d.GetCrashes(); {
	case n > 1:
		text += fmt.Sprintf(" %d times", n)
	case n == 1:
	case d.GetRestart() == meshosv1.DaemonView_RESTART_CRASH_LOOPING:
		return "it crashed too often"
	case d.GetRestart() == meshosv1.DaemonView_RESTART_BACKING_OFF:
		return text
	default:
		return ""
	}
	if end != "" {
		text += " (" + end + ")"
	}
	return text
}

// daemonExit returns how a process ended: `exit 3: "boom"`.
func daemonExit(e *meshosv1.DaemonExit) string {
	if e == nil {
		return ""
	}
	text := fmt.Sprintf("exit %d", e.GetCode())
	switch {
	case e.GetSignal() != "":
		text = "signal " + Plain(e.GetSignal())
	case e.GetCode() < 0:
		text = "how is not known"
	case e.Early != nil:
		text = fmt.Sprintf("exited %d after %.1f s", e.GetCode(), e.GetEarly().AsDuration().Seconds())
	}
	if e.GetLastLine() != "" {
		text += fmt.Sprintf(": %q", Plain(e.GetLastLine()))
	}
	return text
}
