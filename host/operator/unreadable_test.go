package operator_test

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/internal/hangfs"
	"github.com/meshos/meshos/internal/readfile"
	"github.com/meshos/meshos/internal/testkit"
)

// A file that can't be read never means that there are no operators: a running node keeps
// those that it has, and a node that starts does not.
func TestSignersThatCantBeReadStayInForce(t *testing.T) {
	r := newRig(t)
	if err := os.Remove(r.opts.Signers); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(r.opts.Signers, 0o600); err != nil {
		t.Fatal(err)
	}
	var not *readfile.NotRegularError
	if _, err := r.ReloadSigners(); !errors.As(err, &not) {
		t.Errorf("reload: %v", err)
	}
	want(t, r.judge(cordon(), alice), "accepted")
	if a, err := operator.Open(r.opts); !errors.As(err, &not) || a != nil {
		t.Errorf("start: %v, %v", a, err)
	}
}

func TestSignersThatAreNeverReadStayInForce(t *testing.T) {
	t.Parallel()
	dead := hangfs.Hung(t).Dir
	r := newRig(t)
	link := r.opts.Signers
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dead+"/signers", link); err != nil {
		t.Fatal(err)
	}
	var hung *readfile.HungError
	if _, err := r.ReloadSigners(); !errors.As(err, &hung) {
		t.Errorf("reload: %v", err)
	}
	want(t, r.judge(cordon(), alice), "accepted")
}

// A node that starts without them has operators none the less: it runs, and refuses every
// order until it has read who they are.
func TestSignersThatAreNotReadInTimeRefuseEveryOrder(t *testing.T) {
	t.Parallel()
	dead := hangfs.Hung(t)
	r := newRig(t, func(r *rig) { r.opts.AllowUnsigned = true })
	text, err := os.ReadFile(r.opts.Signers)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(r.opts.Signers), os.Symlink(dead.Dir+"/signers", r.opts.Signers)); err != nil {
		t.Fatal(err)
	}
	r.restart()
	var hung *readfile.HungError
	if !errors.As(r.Unreadable(), &hung) || !r.HasOperators() {
		t.Errorf("unreadable: %v, operators: %v", r.Unreadable(), r.HasOperators())
	}
	want(t, r.judge(cordon(), alice), "signers_unreadable")
	want(t, r.judge(mesh.ThawCluster{}, alice), "signers_unreadable")
	for _, order := range []mesh.Event{mesh.AdminReceived{Event: cordon()}, mesh.DaemonIntent{}, mesh.Shutdown{}} {
		if verdict, refused := r.RefuseUnsigned(order); !refused || verdict.Kind != rules.KindUnreadable {
			t.Errorf("%T: %v, %+v", order, refused, verdict)
		}
	}

	if err := errors.Join(os.Remove(r.opts.Signers), os.WriteFile(r.opts.Signers, text, 0o600)); err != nil {
		t.Fatal(err)
	}
	dead.End()
	testkit.Until(t, "the file to be read", func() bool { // once the call that hung has returned
		changes, err := r.ReloadSigners()
		return err == nil && len(changes) == 3
	})
	want(t, r.judge(cordon(), alice), "accepted")
}
