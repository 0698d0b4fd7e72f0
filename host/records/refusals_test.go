package records_test

import (
	"testing"
	"testing/synctest"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/disk/diskfault"
)

// refuse writes audit records of refusals.
func (l *loop) refuse(n int) {
	l.mu.Lock()
	for range n {
		l.seq[mesh.ChainAudit]++
		l.snap.Audit = push(l.snap.Audit, 256, mesh.AuditRecord{
			Seq: l.seq[mesh.ChainAudit], Refusal: &mesh.Refusal{Source: "api", Kind: "shutdown", Order: mesh.Shutdown{}},
		})
	}
	l.mu.Unlock()
	l.publish()
}

// Records of refusals use a tenth of the limit, also those of earlier runs, and do not
// make the audit log full.
func TestP2_RefusalsNeverFillTheAuditLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := onDisk(t, diskfault.New()) // its limit is 2000 bytes
		l := newLoop()
		r, stop := followIn(t, l, o)
		synctest.Wait()
		written := 0
		for r.RefusalRoom() && written < 100 {
			l.refuse(1)
			written++
			synctest.Wait()
		}
		if written == 0 || written > 4 {
			t.Errorf("%d refusals have room in 200 bytes", written)
		}
		stop()

		l = newLoop()
		r, stop = followIn(t, l, o)
		defer stop()
		synctest.Wait()
		if r.RefusalRoom() {
			t.Error("after a restart there is room again")
		}
		l.refuse(100) // as if nobody had asked
		synctest.Wait()
		if r.AuditFull() {
			t.Error("refusals make the audit log full")
		}
		for range 20 {
			l.write(mesh.ChainAudit, 5, "x")
			synctest.Wait()
		}
		if !r.AuditFull() {
			t.Error("commands do not make it full")
		}
	})
}
