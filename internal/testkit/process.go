package testkit

import (
	"os"
	"strconv"
	"strings"
)

// State is the letter of a process's state as proc(5) has it: R, S, T, Z …; 0 when
// there is no such process.
func State(pid int) byte {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	if _, rest, ok := strings.Cut(string(stat), ") "); ok {
		return rest[0]
	}
	return 0
}

// Ended says whether a process is no more, or only a zombie that waits to be
// collected by its parent.
func Ended(pid int) bool { return strings.IndexByte("\x00ZX", State(pid)) >= 0 }
