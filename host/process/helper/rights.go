package helper

import (
	"syscall"
	"unsafe"

	"github.com/meshos/meshos/host/process/order"
)

// takeRights takes the order's rights; if it can't, it answers so and returns false.
// What needs the rights that this process has now comes before the account.
func (h *helper) takeRights() bool {
	r := h.order.Rights
	if r.OOMScoreAdj != nil {
		if err := writeFile("/proc/self/oom_score_adj", signed(*r.OOMScoreAdj)); err != nil {
			h.answer(order.AtOOMScore, err)
			return false
		}
	}
	if r.Nice != nil {
		// It holds for this thread, which is the one that executes the program.
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, *r.Nice); err != nil {
			h.answer(order.AtNice, err)
			return false
		}
	}
	if r.Account != nil {
		if err := become(*r.Account); err != nil {
			h.answer(order.AtAccount, err)
			return false
		}
	}
	if r.Umask != nil {
		syscall.Umask(*r.Umask)
	}
	return true
}

// The operations of prctl(2) that are used here.
const (
	prSetDeathSignal     = 1
	prGetDeathSignal     = 2
	prSetName            = 15
	prCapAmbient         = 47
	prCapAmbientClearAll = 4
)

// become changes the account of this thread, for good: of all IDs, and without any
// capability that the new account would not have by itself. The program that the thread
// executes gets this account; the other threads of this process end then.
//
// The functions of package syscall would change all threads, which takes longer.
func become(a order.Account) error {
	parent := syscall.Getppid()
	var deathSignal int32
	if err := prctl(prGetDeathSignal, uintptr(unsafe.Pointer(&deathSignal))); err != nil {
		return err
	}
	var groups unsafe.Pointer
	if len(a.Groups) > 0 {
		groups = unsafe.Pointer(&a.Groups[0])
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETGROUPS, uintptr(len(a.Groups)), uintptr(groups), 0); errno != 0 {
		return errno
	}
	gid, uid := uintptr(a.GID), uintptr(a.UID)
	handOverPipes(int(a.UID), int(a.GID))
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESGID, gid, gid, gid); errno != 0 {
		return errno
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, uid, uid, uid); errno != 0 {
		return errno
	}
	if err := prctl(prCapAmbient, prCapAmbientClearAll); err != nil && err != syscall.EINVAL { // before Linux 4.3
		return err
	}
	// The kernel forgets with the account which signal comes when the parent ends.
	if deathSignal != 0 {
		if err := prctl(prSetDeathSignal, uintptr(deathSignal)); err != nil {
			return err
		}
		if syscall.Getppid() != parent { // it has ended meanwhile
			syscall.Exit(failed)
		}
	}
	return nil
}

// handOverPipes makes the new account the owner of the pipes that it prints to, since it
// could not open them again, by /dev/stdout or /dev/stderr, otherwise.
func handOverPipes(uid, gid int) {
	for fd := 1; fd <= 2; fd++ {
		var info syscall.Stat_t
		if syscall.Fstat(fd, &info) == nil && info.Mode&syscall.S_IFMT == syscall.S_IFIFO {
			_ = syscall.Fchown(fd, uid, gid)
		}
	}
}

func prctl(operation, value uintptr) error {
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, operation, value, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func writeFile(path, text string) error {
	fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	_, err = syscall.Write(fd, []byte(text))
	_ = syscall.Close(fd)
	return err
}

// signed returns a number as text, with its sign.
func signed(n int) string {
	if n < 0 {
		return "-" + decimal(-n)
	}
	return decimal(n)
}
