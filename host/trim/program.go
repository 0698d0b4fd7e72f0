package trim

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// unmapFiles unmaps the pages of the program's own file and of its libraries. Most were needed
// for the start only, or are beside those that were, and count as memory of the process. Those
// that run on are mapped again as soon as they are used, from the cache of the system: that costs
// a few milliseconds.
func unmapFiles() {
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	for _, r := range unchanged(maps) {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, r.from, r.to-r.from, unix.MADV_DONTNEED)
	}
}

// region is a part of the memory of the process.
type region struct{ from, to uintptr }

// unchanged returns the regions of files that nothing in this process can write to and nothing
// has written to, not even the loader or a debugger: so they are what their file says.
func unchanged(smaps []byte) (out []region) {
	var now region
	var file bool
	lines := bufio.NewScanner(bytes.NewReader(smaps))
	for lines.Scan() {
		var r region
		var access string
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "Anonymous:"):
			if file && strings.Join(strings.Fields(line), " ") == "Anonymous: 0 kB" {
				out = append(out, now)
			}
		default:
			if n, _ := fmt.Sscanf(line, "%x-%x %s", &r.from, &r.to, &access); n == 3 {
				now, file = r, strings.Contains(line, " /") && (access == "r-xp" || access == "r--p")
			}
		}
	}
	return out
}
