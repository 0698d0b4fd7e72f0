package shim

import (
	"bufio"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// gcPercent is that of a shim which does not stand by. It begins without a garbage collector.
const gcPercent = 20

// shrink makes this process small before it waits, perhaps for months. There is one per
// daemon; each is the whole binary of the node and needs almost nothing of it.
func shrink() {
	debug.SetGCPercent(gcPercent)
	debug.FreeOSMemory()
	dropCode()
}

// dropCode returns the pages of code and constants that the start has touched to the kernel.
// They are clean and mapped from the file, so those that are needed again come from the page
// cache. In a position-independent binary (PIE) the loader has changed the constants, and
// they stay.
func dropCode() {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer func() { _ = maps.Close() }()
	fixed := false
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		// 00400000-00a3f000 r-xp 00000000 fe:00 1234 /usr/bin/meshos
		f := strings.Fields(lines.Text())
		if len(f) < 6 || !strings.HasPrefix(f[5], "/") {
			continue
		}
		from, to, ok := strings.Cut(f[0], "-")
		begin, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if !ok || err1 != nil || err2 != nil || end <= begin {
			continue
		}
		fixed = fixed || begin == fixedBase
		if f[1] == "r-xp" || f[1] == "r--p" && fixed && strings.Join(f[5:], " ") == exe() {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(begin), uintptr(end-begin), unix.MADV_DONTNEED)
		}
	}
}

// fixedBase is the address of a binary that is not position-independent.
const fixedBase = 0x400000

func exe() string {
	path, _ := os.Readlink("/proc/self/exe")
	return path
}
