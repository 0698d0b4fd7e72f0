package shim

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/cgroup"
	"github.com/meshos/meshos/host/process"
)

const (
	// restPoll is how often it is looked who is left while they are being ended, at first
	// and at last.
	restPoll, restPollMax = 5 * time.Millisecond, 500 * time.Millisecond
	// stuckAfter is how long what was killed may take to end before the record tells of it.
	stuckAfter = time.Second
	// tellAfter is how long who was asked may take to end before it is said.
	tellAfter = 200 * time.Millisecond
	// killRounds is how often the descendants are listed and killed at a time: they may fork
	// meanwhile.
	killRounds = 20
)

// rest ends a daemon and what descends from it, in one of the kill modes. One goroutine, that
// of shim.wait, calls its methods.
type rest struct {
	mode    KillMode
	signal  syscall.Signal // which asks to end
	grace   time.Duration  // for what the main process left by itself
	cgroup  cgroup.Group
	main    int
	mainIs  process.Identity
	asked   map[process.Identity]bool
	killing time.Time // since when; zero: not yet
	stuck   bool      // the record says so

	toldAsk, toldKill bool // see news

	mainEnded chan struct{} // closed when the main process has ended
	over      chan struct{} // closed when nothing is left; then the main process is collected
	done      bool          // over is closed
	deadline  time.Time     // when what is left is killed; zero while the main process runs
	poll      time.Duration
}

func newRest(r Request) *rest {
	d := &rest{
		mode: r.KillMode, signal: syscall.Signal(r.StopSignal), grace: r.StopGrace, cgroup: cgroup.Group(r.Cgroup),
		asked: make(map[process.Identity]bool), mainEnded: make(chan struct{}), over: make(chan struct{}), poll: restPoll,
	}
	if d.signal == 0 {
		d.signal = syscall.SIGTERM
	}
	return d
}

// await is the Rest of the daemon's process: it keeps the process from being collected, so that
// its pid and the number of its group stay its own.
func (d *rest) await() {
	close(d.mainEnded)
	<-d.over
}

// left returns who is left beside the main process.
func (d *rest) left() []process.Identity {
	var left []process.Identity
	for _, id := range process.Descendants() {
		if id.PID != d.main {
			left = append(left, id)
		}
	}
	for _, pid := range d.cgroup.Processes() {
		if pid == d.main || pid == os.Getpid() || hasPID(left, pid) {
			continue
		}
		if id, err := process.Identify(pid); err == nil && process.Alive(id) {
			left = append(left, id)
		}
	}
	return left
}

func hasPID(ids []process.Identity, pid int) bool {
	for _, id := range ids {
		if id.PID == pid {
			return true
		}
	}
	return false
}

// ask asks the daemon to end, and reports whether its main process had not ended before.
func (d *rest) ask() bool {
	reached := !d.hasMainEnded()
	if d.mode == KillMixed || d.mode == KillProcess {
		_ = unix.Kill(d.main, d.signal)
		_ = unix.Kill(d.main, unix.SIGCONT) // a stopped one would not react
		return reached
	}
	if d.asked[d.mainIs] {
		return reached
	}
	d.asked[d.mainIs] = true
	left := d.left() // before the group is asked: some of it may end at once
	_ = unix.Kill(-d.main, d.signal)
	_ = unix.Kill(-d.main, unix.SIGCONT)
	d.askLeft(left, d.main)
	return reached
}

// askLeft asks those that have not been asked yet. Those of one group have been asked already. What
// somebody started who was asked before, and who is still there, is part of how that one ends.
func (d *rest) askLeft(left []process.Identity, but int) {
	ending := make(map[int]bool)
	for _, id := range left {
		ending[id.PID] = d.asked[id]
	}
	for _, id := range left {
		if d.asked[id] || ending[process.Parent(id)] {
			continue
		}
		d.asked[id] = true
		if but == 0 || process.Group(id) != but {
			process.Send(d.signal, id)
			process.Send(unix.SIGCONT, id)
		}
	}
}

// kill kills the daemon with all that descends from it, or, as the mode says, alone. It reports
// whether the main process had not ended before.
func (d *rest) kill() bool {
	reached := !d.hasMainEnded()
	_ = unix.Kill(d.main, unix.SIGKILL) // not collected yet: see await
	if d.mode != KillProcess {
		if d.killing.IsZero() {
			d.killing = time.Now()
		}
		d.killLeft()
	}
	return reached
}

// killLeft kills who is left, until nobody is there who has not been killed: to list all
// processes again and again for one that hangs in the kernel would only cost time.
func (d *rest) killLeft() {
	d.cgroup.Kill()
	_ = unix.Kill(-d.main, unix.SIGKILL)
	killed := make(map[process.Identity]bool)
	for range killRounds {
		fresh := false
		left := d.left()
		for _, id := range left {
			fresh = fresh || !killed[id]
			killed[id] = true
		}
		if !fresh {
			return
		}
		process.Send(unix.SIGKILL, left...)
		process.Reap(d.main)
	}
}

func (d *rest) hasMainEnded() bool {
	select {
	case <-d.mainEnded:
		return true
	default:
		return false
	}
}

// look is called when the main process has ended, and again and again: it ends what is left. It
// returns who is left, and closes over when that is nobody, or nobody who has to end.
func (d *rest) look() []process.Identity {
	process.Reap(d.main)
	left := d.left()
	now := time.Now()
	switch {
	case len(left) == 0 || d.mode == KillProcess:
		if !d.done {
			d.done = true
			close(d.over)
		}
		return left
	case d.deadline.IsZero():
		d.deadline = now.Add(d.grace)
		if d.mode == KillMixed {
			d.deadline = now
		}
	}
	if !now.Before(d.deadline) && d.killing.IsZero() {
		d.killing = now
	}
	if d.killing.IsZero() {
		d.askLeft(left, 0)
		return left
	}
	d.killLeft()
	return left
}

// next returns when to look again.
func (d *rest) next() time.Duration {
	wait := d.poll
	d.poll = min(2*d.poll, restPollMax)
	return wait
}

// news returns what is to be said of who is left, once for each: that they are asked, if they
// take longer than a moment, and that they are killed. What was asked for is said by the node.
func (d *rest) news(left []process.Identity) string {
	switch {
	case len(left) == 0 || d.done || d.asked[d.mainIs]:
	case !d.killing.IsZero():
		if !d.toldKill {
			d.toldKill = true
			return "its main process has ended by itself, and what that left is killed"
		}
	case !d.toldAsk && time.Until(d.deadline) < d.grace-tellAfter:
		d.toldAsk = true
		return fmt.Sprintf("its main process has ended by itself; what that left is asked to end, and killed after %v", d.grace)
	}
	return ""
}

// isStuck reports whether what was killed takes too long to end. It is true once.
func (d *rest) isStuck() bool {
	if d.stuck || d.killing.IsZero() || time.Since(d.killing) < stuckAfter {
		return false
	}
	d.stuck = true
	return true
}
