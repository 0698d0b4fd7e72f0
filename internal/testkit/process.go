package testkit

import (
	"os"
	"strconv"
	"strings"
)

// State returns the letter of a process's state as in proc(5): R, S, T, Z and so on; 0 if
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

// Ended reports whether a process has ended. Its parent may not have collected it yet.
func Ended(pid int) bool { return strings.IndexByte("\x00ZX", State(pid)) >= 0 }
