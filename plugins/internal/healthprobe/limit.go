package healthprobe

import (
	"fmt"

	"golang.org/x/sys/unix"
)

const (
	// reservedFiles is how many files the process needs for other things: the host's
	// connection, logs, the Go runtime.
	reservedFiles = 64
	// filesPerAttempt is two, because a dialer may try IPv4 and IPv6 at the same time.
	filesPerAttempt = 2
)

// LimitAttempts returns how many attempts may run at the same time with the configured
// concurrency and the limit of open files, and a warning if that is less than configured.
func LimitAttempts(wish int, files uint64) (int, string) {
	attempts := 1
	if files > reservedFiles+filesPerAttempt {
		attempts = int(min(uint64(wish), (files-reservedFiles)/filesPerAttempt))
	}
	if attempts >= wish {
		return wish, ""
	}
	return attempts, fmt.Sprintf("concurrency: %d instead of %d, because this process may open only %d files; "+
		"raise its limit (systemd: LimitNOFILE=) or lower concurrency", attempts, wish, files)
}

// OpenFileLimit returns how many files this process may open.
func OpenFileLimit() (uint64, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("read the limit of open files: %w", err)
	}
	return limit.Cur, nil
}
