package operator_test

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/meshos/meshos/host/operator"
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
	dead, _ := testkit.DeadMount(t)
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
	if a, err := operator.Open(r.opts); !errors.As(err, &hung) || a != nil {
		t.Errorf("start: %v, %v", a, err)
	}
}
