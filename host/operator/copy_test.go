package operator_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/operator/rules"
)

// A command that was accepted after the copy was made is not accepted by who begins with it.
func TestACopyOfTheMemoryTakesNoCommandTwice(t *testing.T) {
	r := newRig(t)
	before := r.sign(r.command(mesh.Cordon{Node: 1}), alice)
	want(t, r.Judge("test", before), "accepted")
	want(t, r.judge(mesh.FreezeCluster{TTL: time.Hour}, alice, bob), "accepted")
	backup := t.TempDir()
	if err := operator.Copy(r.opts.DataDir, backup); err != nil {
		t.Fatal(err)
	}
	r.after(10 * time.Second)
	since := r.sign(r.command(mesh.Cordon{Node: 2}), alice)
	want(t, r.Judge("test", since), "accepted")

	_ = r.Close()
	r.opts.DataDir = backup
	r.after(20 * time.Second)
	if err := operator.RaiseFloor(backup, r.now.Add(r.opts.Policy.FutureSkew)); err != nil {
		t.Fatal(err)
	}
	r.open()
	want(t, r.Judge("test", before), rules.KindReplayed)
	want(t, r.Judge("test", since), rules.KindReplayed)
	if got := r.FreezeRemaining(); got < 59*time.Minute {
		t.Errorf("%v of the freeze are left", got)
	}
	r.after(time.Minute)
	want(t, r.judge(mesh.Cordon{Node: 3}, alice), "accepted")
	if files, err := filepath.Glob(filepath.Join(backup, operator.Folder, "*")); err != nil || len(files) != 1 {
		t.Errorf("the folder holds %v, %v", files, err)
	}
}
