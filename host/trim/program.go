package trim

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// unmapProgram unmaps the pages of the program's own file. Most were needed for the start only,
// or are beside those that were, and count as memory of the process. Those that run on are mapped
// again as soon as they are used, from the cache of the system: that costs a few milliseconds.
func unmapProgram() {
	name, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	for _, r := range unchanged(maps, name) {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, r.from, r.to-r.from, unix.MADV_DONTNEED)
	}
}

// region is a part of the memory of the process.
type region struct{ from, to uintptr }

// unchanged returns the regions of a file that nothing in this process can write to and nothing
// has written to, not even the loader or a debugger: so they are what the file says.
func unchanged(smaps []byte, name string) (out []region) {
	var now region
	var ours bool
	lines := bufio.NewScanner(bytes.NewReader(smaps))
	for lines.Scan() {
		var r region
		var access string
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "Anonymous:"):
			if ours && strings.Join(strings.Fields(line), " ") == "Anonymous: 0 kB" {
				out = append(out, now)
			}
		default:
			if n, _ := fmt.Sscanf(line, "%x-%x %s", &r.from, &r.to, &access); n == 3 {
				now, ours = r, strings.HasSuffix(line, " "+name) && (access == "r-xp" || access == "r--p")
			}
		}
	}
	return out
}
