package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

// Identity identifies one process for ever. A pid alone does not: it is reused once its process
// is gone.
type Identity struct {
	PID int `json:"pid"`
	// Start is the time when it was started, in clock ticks since the machine was booted:
	// field 22 of /proc/PID/stat.
	Start uint64 `json:"start"`
	// Boot is the boot id of the machine at that time.
	Boot string `json:"boot"`
	// Namespace is the pid namespace in which it has this pid, "pid:[4026531836]". A container
	// that is started again on the same machine has the boot id of before, and counts pids
	// from 1 again. "" if it is not known.
	Namespace string `json:"namespace,omitempty"`
	// InitStart is when process 1 of that namespace was started, in clock ticks as Start is: the
	// kernel gives the number of a namespace that is gone to the next one. 0 if it is not known.
	InitStart uint64 `json:"init_start,omitempty"`
}

// is reports whether both are the same process.
func (id Identity) is(other Identity) bool {
	return id.PID == other.PID && id.Start == other.Start && id.Boot == other.Boot && id.sameNamespace(other)
}

// sameNamespace reports whether both pids are of one namespace, as far as it is known.
func (id Identity) sameNamespace(other Identity) bool {
	if id.Namespace == "" || other.Namespace == "" {
		return true
	}
	return id.Namespace == other.Namespace && (id.InitStart == 0 || other.InitStart == 0 || id.InitStart == other.InitStart)
}

// Here reports whether the process belongs to this boot of the machine and to the pid namespace
// of this process. If not, its pid means nothing here, and neither do its session and group.
func (id Identity) Here() bool {
	here, err := identityHere()
	return err == nil && id.Boot == here.Boot && id.sameNamespace(here)
}

// here is what identityHere has found out: it does not change while this process lives.
var here atomic.Pointer[Identity]

// identityHere returns an identity without pid and start time.
func identityHere() (Identity, error) {
	if known := here.Load(); known != nil {
		return *known, nil
	}
	boot, err := BootID()
	if err != nil {
		return Identity{}, err
	}
	namespace, _ := os.Readlink("/proc/self/ns/pid") // old kernels and some sandboxes have none
	id := Identity{Boot: boot, Namespace: namespace}
	if init, err := readStat(1); err == nil { // who may not see the processes of others does not see it
		id.InitStart = init.start
	}
	here.Store(&id)
	return id, nil
}

// ErrGone means that the process of an identity has ended. Another process may have its pid by
// now.
var ErrGone = errors.New("the process is gone")

// Identify returns the identity of the process that has this pid now, or ErrGone if none has.
func Identify(pid int) (Identity, error) {
	id, err := identityHere()
	if err != nil {
		return Identity{}, err
	}
	stat, err := readStat(pid)
	if err != nil {
		return Identity{}, err
	}
	id.PID, id.Start = pid, stat.start
	return id, nil
}

// BootID returns the id that the kernel gave itself when the machine was booted.
func BootID() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("boot id: %w", err)
	}
	return strings.TrimSpace(string(id)), nil
}

// stat holds the fields of /proc/PID/stat that are needed here.
type stat struct {
	state          byte
	parent         int
	group, session int
	start          uint64
	// kernel reports whether it is a thread of the kernel.
	kernel bool
	// env is how many bytes its environment has. It is negative if it has none: while it is being
	// executed, and when it is about to end.
	env int64
}

func readStat(pid int) (stat, error) {
	text, err := readProc("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return stat{}, ErrGone // also when it ends while it is read
	}
	return parseStat(text)
}

// parseStat parses the line. The program's name is in it unescaped, with any blanks and brackets
// that it has, so fields are counted from the last bracket on.
func parseStat(text []byte) (s stat, err error) {
	end := bytes.LastIndexByte(text, ')')
	if end < 0 {
		return stat{}, fmt.Errorf("a stat line of /proc has no name: %q", text)
	}
	const state, parent, group, session, flags, start, envStart, envEnd = 0, 1, 2, 3, 6, 19, 47, 48 // fields 3 to 6, 9, 22, 50 and 51
	const kernelThread = 0x00200000                                                                 // PF_KTHREAD
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) <= start {
		return stat{}, fmt.Errorf("a stat line of /proc has only %d fields", len(fields))
	}
	s.state = fields[state][0]
	if s.parent, err = strconv.Atoi(fields[parent]); err != nil {
		return stat{}, fmt.Errorf("parent: %w", err)
	}
	if s.group, err = strconv.Atoi(fields[group]); err != nil {
		return stat{}, fmt.Errorf("process group: %w", err)
	}
	if s.session, err = strconv.Atoi(fields[session]); err != nil {
		return stat{}, fmt.Errorf("session: %w", err)
	}
	if s.start, err = strconv.ParseUint(fields[start], 10, 64); err != nil {
		return stat{}, fmt.Errorf("start time: %w", err)
	}
	if bits, err := strconv.ParseUint(fields[flags], 10, 64); err == nil {
		s.kernel = bits&kernelThread != 0
	}
	s.env = -1
	if len(fields) > envEnd {
		first, errFirst := strconv.ParseUint(fields[envStart], 10, 64)
		end, errEnd := strconv.ParseUint(fields[envEnd], 10, 64)
		if errFirst == nil && errEnd == nil && end != 0 && end >= first {
			s.env = int64(end - first)
		}
	}
	return s, nil
}
