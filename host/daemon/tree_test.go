package daemon_test

import (
	"context"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/cgroup"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/hangfs"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/internal/testneeds"
)

// leaver is a line of a script that starts a process by a double fork, in a session of its own.
// The process runs a command, prints its pid, and then runs the rest.
func leaver(first, rest string) string {
	return "(setsid sh -c '" + first + "; echo $$; " + rest + "' &)\n"
}

// with is a daemon with a kill mode.
func with(mode, script string) daemon.Spec {
	spec := sh(7, script)
	spec.Stop.Mode = mode
	return spec
}

// firstLine waits for what a daemon prints first.
func (n *node) firstLine(t *testing.T) string {
	t.Helper()
	n.until(t, "a line", func() bool { return len(linesOf(n.loop)) > 0 })
	return n.lines(7)[0].Message
}

func recordOf(t *testing.T, dir string) shim.Record {
	t.Helper()
	rec, err := shim.FolderOf(dir, 7).Load()
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func TestAChildThatMadeItsOwnSessionIsStoppedToo(t *testing.T) {
	t.Parallel()
	n := startNode(t, with("group", leaver(":", "exec sleep 1000")+"exec sleep 1000"))
	n.start(7)
	child := n.firstLine(t)
	n.stop(7, time.Hour)
	n.wait(t, "7 exited")
	if !gone(child) {
		t.Error("it has ended, but its child runs")
	}
}

func TestAnEndIsToldWhenEverybodyHasEnded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	spec := with("group", "cd "+dir+"\n"+leaver(`trap "sleep 0.3 && touch asked" TERM`, `touch up; while [ ! -e go ]; do sleep 0.01; done; echo last`)+await("up")+"exit 3")
	spec.Stop.Grace = time.Hour
	n := startNodeIn(t, filepath.Join(dir, "daemons"), spec)
	n.start(7)
	child := n.firstLine(t)
	// The main process ends by itself, and what it left is asked to end. What that does to end is
	// not asked.
	testkit.Until(t, "the question", func() bool { return exists(filepath.Join(dir, "asked")) })
	if ends := n.life(); len(ends) != 1 || gone(child) {
		t.Errorf("there came %q while its child runs", ends)
	}
	touch(t, dir, "go")
	n.wait(t, "7 crashed: exit status 3*")
	n.wait(t, "7 3> last")
	if !gone(child) {
		t.Error("its child runs")
	}
}

func TestWhoIgnoresTheQuestionIsKilledAfterTheGrace(t *testing.T) {
	t.Parallel()
	n := startNode(t, with("group", leaver(`trap "" TERM HUP INT`, `while :; do sleep 0.1; done`)+"exec sleep 1000"))
	n.start(7)
	child := n.firstLine(t)
	n.stop(7, 50*time.Millisecond)
	n.wait(t, "7 exited")
	if !gone(child) {
		t.Error("its child runs")
	}
}

func TestWhatIsDoneToWhomTheMainProcessLeftIsSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	spec := with("group", "cd "+dir+"\n"+leaver(`trap "" TERM`, `touch up; while :; do sleep 0.1; done`)+await("up")+"exit 3")
	spec.Stop.Grace = 5 * time.Second // so that it is looked at, on a slow machine too, before it is over
	n := startNodeIn(t, filepath.Join(dir, "daemons"), spec)
	n.start(7)
	child := n.firstLine(t)
	n.wait(t, "7 4> meshos: its main process has ended by itself; what that left is asked to end, and killed after 5s: process "+child+" (sh)*")
	n.wait(t, "7 4> meshos: its main process has ended by itself, and what that left is killed: process "+child+"*")
	n.wait(t, "7 crashed: exit status 3*")
	if !gone(child) {
		t.Error("its child runs")
	}
}

func TestMixedAsksTheMainProcessAndKillsTheOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := startNodeIn(t, filepath.Join(dir, "daemons"), with("mixed", "cd "+dir+"\ntrap 'echo main; exit 0' TERM\n"+leaver(`trap "touch asked" TERM`, `while :; do sleep 0.01; done`)+"while :; do sleep 0.01; done"))
	n.start(7)
	child := n.firstLine(t)
	n.stop(7, time.Hour)
	n.wait(t, "7 exited")
	n.wait(t, "7 3> main")
	if !gone(child) || exists(filepath.Join(dir, "asked")) {
		t.Error("its child was asked, or runs")
	}
}

func TestTheMainProcessAloneEndsAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := startNodeIn(t, dir, with("process", leaver(":", "exec sleep 1000")+"exec sleep 1000"))
	n.start(7)
	child := n.firstLine(t)
	defer func() { _ = syscall.Kill(number(child), syscall.SIGKILL) }()
	n.stop(7, time.Hour)
	n.wait(t, "7 exited")
	if gone(child) {
		t.Fatal("its child was ended")
	}
	if got := n.Extras()[7]; got.Left != 1 || len(got.Notes) != 1 || !strings.HasPrefix(got.Notes[0], "1 process that it left") {
		t.Errorf("the status has %+v", got)
	}
	n.Configure([]daemon.Spec{with("process", "exec sleep 1000")})
	n.start(7) // and it starts again beside it
	n.Close()
	next := startNodeIn(t, dir, with("process", "exit 0"))
	if got := next.Extras()[7]; got.Left != 1 {
		t.Errorf("the status of the next node has %+v", got)
	}
	_ = syscall.Kill(number(child), syscall.SIGKILL)
	testkit.Until(t, "its end to be seen", func() bool { return next.Extras()[7].Left == 0 })
}

func TestItsOwnSignalAsks(t *testing.T) {
	t.Parallel()
	spec := sh(7, "trap 'echo quit; exit 0' QUIT; trap 'echo term; exit 1' TERM; echo ready; while :; do sleep 0.01; done")
	spec.Stop = config.Stop{Mode: "mixed", Signal: "SIGQUIT"}
	n := startNode(t, spec)
	n.start(7)
	n.wait(t, "7 3> ready")
	n.stop(7, time.Hour)
	n.wait(t, "7 exited")
	n.wait(t, "7 3> quit")
}

// Without a control group it is the mark that finds them.
func TestWhatAKilledShimLeavesIsEnded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := startNodeIn(t, dir, with("group", leaver(`trap "" TERM`, `while :; do sleep 0.1; done`)+"exec sleep 1000"))
	n.start(7)
	child := n.firstLine(t)
	if err := syscall.Kill(recordOf(t, dir).Shim.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	n.wait(t, "7 crashed: its supervising process was killed*")
	if !gone(child) {
		t.Error("its child runs")
	}
}

func TestWhatAShimLeavesThatWasKilledWithTheNodeIsEndedAtTheNextStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	taken := killedNode(t, dir, leaver(`trap "" TERM`, `echo killme; while :; do sleep 0.1; done`)+"exec sleep 1000")
	daemons := filepath.Join(dir, "daemons")
	rec := recordOf(t, daemons)
	if err := syscall.Kill(rec.Shim.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "the end of the shim", func() bool { return testkit.Ended(rec.Shim.PID) })
	n := startNodeIn(t, daemons, sh(7, "exit 0"))
	n.wait(t, "7 crashed: its supervising process was killed*")
	if child := printed(taken)[0]; !gone(child) {
		t.Error("its child runs")
	}
}

// It has no mark either: it cleared its environment.
func TestTheControlGroupFindsWhoHasNoMark(t *testing.T) {
	t.Parallel()
	parent := groups(t)
	dir := t.TempDir()
	spec := with("group", "(setsid env -i sh -c 'echo $$; exec sleep 1000' &)\nexec sleep 1000")
	l := newLoop()
	m := daemon.New(daemon.Options{Dir: dir, Shim: shimCommand(), Events: l, Cgroups: parent})
	n := &node{Manager: m, loop: l, t: t}
	defer n.stopAll(t)
	m.Configure([]daemon.Spec{spec})
	n.start(7)
	child := n.firstLine(t)
	rec := recordOf(t, dir)
	testkit.Until(t, "the two in its group", func() bool { return len(cgroup.Group(rec.Cgroup).Processes()) == 2 })
	if err := syscall.Kill(rec.Shim.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	n.wait(t, "7 crashed: its supervising process was killed*")
	if !gone(child) || exists(rec.Cgroup) {
		t.Error("its child runs, or its group is there")
	}
}

func TestLimitsThatCanBeSetHoldAndTheOthersAreSaid(t *testing.T) {
	t.Parallel()
	spec := sh(7, "ulimit -n; ulimit -c; ulimit -d; echo ready; exec sleep 1000")
	none := int64(0)
	spec.Limits = config.DaemonLimits{Limits: config.Limits{Memory: 512 << 20, CPU: 0.5, Files: 99, Processes: 20}, Core: &none}
	n := startNode(t, spec)
	n.start(7)
	n.wait(t, "7 3> ready")
	var got []string
	for _, line := range n.lines(7) {
		got = append(got, line.Message)
	}
	if want := "99 0 524288 ready"; strings.Join(got, " ") != want {
		t.Errorf("its limits are %q, want %q", got, want)
	}
	const said = "limits: memory is limited for each of its processes alone, cpu is not limited, the number of processes is not limited: no control groups are used"
	n.wait(t, "7 4> meshos: "+said)
	if notes := n.Extras()[7].Notes; len(notes) != 1 || notes[0] != said {
		t.Errorf("the status says %q", notes)
	}
}

func TestWhoCannotBeKilledKeepsItsDaemonFromHavingEnded(t *testing.T) {
	t.Parallel()
	fs := hangfs.Hung(t)
	l, failures := newLoop(), make(chan string, 10)
	m := daemon.New(daemon.Options{
		Dir: t.TempDir(), Shim: shimCommand(), Events: l,
		Failure: func(_ mesh.DaemonRef, reason string) { failures <- reason },
	})
	n := &node{Manager: m, loop: l, t: t}
	defer n.stopAll(t)
	defer fs.End()
	m.Configure([]daemon.Spec{with("group", leaver(":", "exec cat "+fs.Dir+"/file")+"exec sleep 1000")})
	n.start(7)
	child := n.firstLine(t)
	testkit.Until(t, "it to hang", func() bool { return fs.Waiting() > 0 })
	n.stop(7, 0)
	n.wait(t, "7 4> meshos: what it started does not end although it was killed: process "+child+" (cat); the daemon counts as running until then")
	if got := <-failures; !strings.Contains(got, child) {
		t.Errorf("the failure is %q", got)
	}
	if got := n.Extras()[7]; got.Left != 1 || len(n.Running()) != 1 || len(n.life()) != 1 {
		t.Errorf("the status has %+v, running are %v, there came %q", got, n.Running(), n.life())
	}
	fs.End()
	n.wait(t, "7 exited")
	if got := n.Extras()[7]; got.Left != 0 {
		t.Errorf("the status has %+v when it has ended", got)
	}
}

func (n *node) stopAll(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.StopAll(ctx); err != nil {
		t.Error(err)
	}
	n.Close()
}

// groups returns where a test makes control groups.
func groups(t *testing.T) *cgroup.Parent {
	t.Helper()
	testneeds.Root(t, "make a control group")
	parent := cgroup.Open(filepath.Base(filepath.Dir(t.TempDir())))
	if why := parent.Why(); why != "" {
		testneeds.Missing(t, "needs control groups of version 2: %s", why)
	}
	t.Cleanup(parent.Close)
	return parent
}

func number(text string) (n int) {
	for _, digit := range text {
		n = 10*n + int(digit-'0')
	}
	return n
}
