package process

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// AdoptOrphans makes this process the parent of every descendant whose own parent ends
// (PR_SET_CHILD_SUBREAPER). It has to Reap them.
func AdoptOrphans() error {
	return os.NewSyscallError("prctl", unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
}

// Reap collects the children of this process that have ended, but for one, for which
// somebody else waits.
func Reap(but int) {
	for _, pid := range ownChildren() {
		if pid != but {
			_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
		}
	}
}

// Descendants returns the living processes that descend from this one, ordered by pid.
func Descendants() []Identity {
	if len(ownChildren()) == 0 {
		return nil
	}
	return Family(Identity{PID: os.Getpid()})[1:]
}

// Family returns the living processes that descend from one of the roots, or are in the
// session of one, and the roots themselves: this process first if it is one of them, and then
// by pid. A root without a start time is whoever has the pid.
func Family(roots ...Identity) []Identity {
	t := processes()
	var pids []int
	for _, root := range roots {
		if s, ok := t[root.PID]; ok && (root.Start == 0 || s.start == root.Start) {
			pids = append(pids, root.PID)
		}
	}
	out := t.identities(t.family(pids...))
	if i := slices.IndexFunc(out, func(id Identity) bool { return id.PID == os.Getpid() }); i > 0 {
		self := out[i]
		out = slices.Insert(slices.Delete(out, i, i+1), 0, self)
	}
	return out
}

// identities returns who has these pids, ordered by pid.
func (t table) identities(pids []int) []Identity {
	here, err := identityHere()
	if err != nil {
		return nil
	}
	out := make([]Identity, 0, len(pids))
	for _, pid := range pids {
		id := here
		id.PID, id.Start = pid, t[pid].start
		out = append(out, id)
	}
	slices.SortFunc(out, func(a, b Identity) int { return cmp.Compare(a.PID, b.PID) })
	return out
}

// Members returns who of these pids is alive.
func Members(pids []int) (out []Identity) {
	for _, pid := range pids {
		if id, err := Identify(pid); err == nil && !ended(pid) {
			out = append(out, id)
		}
	}
	return out
}

// Alive reports whether a process has not ended. A zombie has.
func Alive(id Identity) bool {
	h, err := Open(id)
	if err != nil {
		return !errors.Is(err, ErrGone)
	}
	defer h.Close()
	return !ended(id.PID)
}

// Send sends a signal to each of the processes, and to nobody else that has the pid by now.
func Send(sig syscall.Signal, ids ...Identity) {
	for _, id := range ids {
		if h, err := Open(id); err == nil {
			_ = h.Signal(sig)
			h.Close()
		}
	}
}

// Group returns the id of a process's group; 0 if it is gone.
func Group(id Identity) int {
	if s, err := readStat(id.PID); err == nil && s.start == id.Start {
		return s.group
	}
	return 0
}

// Parent returns the pid of a process's parent; 0 if it is gone.
func Parent(id Identity) int {
	if s, err := readStat(id.PID); err == nil && s.start == id.Start {
		return s.parent
	}
	return 0
}

// SessionOf returns the living processes of the session that a process began, which may have
// ended, and that have this mark or none. If another process has its pid by now, nothing is left
// of its session. Who has another mark is of another session with the same number.
func SessionOf(leader Identity, mark string) []Identity {
	if !leader.Here() || leader.PID <= 1 {
		return nil
	}
	t := processes()
	if s, ok := t[leader.PID]; ok && s.start != leader.Start && leader.Start != 0 {
		return nil
	}
	var pids []int
	for pid, s := range t {
		if s.session == leader.PID && s.start >= leader.Start && !s.dead() {
			pids = append(pids, pid)
		}
	}
	if mark != "" {
		marks := t.marks(slices.Clone(pids))
		pids = slices.DeleteFunc(pids, func(pid int) bool { return marks[pid] != "" && marks[pid] != mark })
	}
	return t.identities(pids)
}
