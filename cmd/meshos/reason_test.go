package main

import (
	"strings"
	"testing"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// The reason of a command is shown before it is signed, signed with it, and shown to those
// who sign a proposal.
func TestTheReasonOfACommandIsSigned(t *testing.T) {
	j, d, dir := newOperatorNode(t, withOperators)
	d.startAgent(t, 1)
	signersFile(t, dir, map[string]byte{"ana": 1})
	d.must(t, "admin cordon --yes -m rehearsal")
	if len(j.commits) != 1 || j.commits[0].GetReason() != "rehearsal" || !strings.Contains(d.err.String(), "Reason: rehearsal") {
		t.Errorf("sent %v and showed %s", j.commits, d.err.String())
	}
	file := dir + "/c.cmd"
	d.must(t, "admin cordon -m rehearsal --propose "+file)
	d.must(t, "admin sign --yes "+file)
	if !strings.Contains(d.err.String(), "  reason    rehearsal\n") {
		t.Errorf("who signs it sees %s", d.err.String())
	}
	d.must(t, "admin commit --yes "+file)
	if last := j.commits[len(j.commits)-1]; last.GetReason() != "rehearsal" {
		t.Errorf("sent %v", last)
	}
}

func TestAReasonThatIsTooLongIsNotSent(t *testing.T) {
	j, d, _ := newOperatorNode(t, "")
	code := d.run(t.Context(), "admin cordon --yes -m "+strings.Repeat("x", 1025))
	if code != exitUsage || len(j.unsigned) != 0 || !strings.Contains(d.err.String(), "--reason: it has 1025 bytes, and may have at most 1024") {
		t.Errorf("exit code %d: %s", code, d.err.String())
	}
}

func TestAuditTailShowsTheReason(t *testing.T) {
	record := &meshosv1.AdminAuditRecord{Event: cordonOf(5), Reason: "rehearsal\x1b[2J"}
	if got := (view.Printer{}).AuditRecord(record); !strings.HasSuffix(got, "-: cordon node 5 (rehearsal\uFFFD[2J)\n") {
		t.Errorf("shows %q", got)
	}
}
