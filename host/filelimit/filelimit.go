package filelimit

import (
	"fmt"
	"syscall"
)

// How many descriptors a node needs, with some to spare.
const (
	own          = 128 // records, journal, configuration, the programs' own
	perPlugin    = 16  // pipes, lifeline, socket, connection, its program, and twice during a restart
	perDaemon    = 8   // pipes, spool, health checks
	perTransport = 256 // connections to /metrics, and as many to the API
)

// Node is what a node's need depends on.
type Node struct{ Plugins, Daemons int }

// Need returns how many files a node may have open at once.
func (n Node) Need() uint64 {
	return uint64(own + 2*perTransport + perPlugin*n.Plugins + perDaemon*n.Daemons)
}

// Raise raises the soft limit of open files to the hard one, and returns it.
func Raise() (limit uint64, err error) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("limit of open files: %w", err)
	}
	if l.Cur+1 >= l.Max { // package syscall has done that, and remembers the old one for children
		return l.Cur, nil
	}
	raised := syscall.Rlimit{Cur: l.Max, Max: l.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised); err != nil {
		return l.Cur, fmt.Errorf("raise the limit of open files from %d to %d: %w", l.Cur, l.Max, err)
	}
	return l.Max, nil
}

// TooLow returns what to tell people if the limit is too low for a node, else "".
func TooLow(limit uint64, n Node) string {
	if limit >= n.Need() {
		return ""
	}
	return fmt.Sprintf("at most %d files can be open, but this configuration (%d plugins, %d daemons) may need %d: "+
		"raise the hard limit (ulimit -Hn, or LimitNOFILE in the unit)", limit, n.Plugins, n.Daemons, n.Need())
}
