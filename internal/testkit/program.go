package testkit

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Program writes a file that is executed: a script, or a binary.
//
// A process that another test starts while the file is open has its descriptor until it executes
// its own program. Until then the kernel refuses to execute the file ("text file busy") and to
// lease it, although it is closed here. So no process is started meanwhile.
func Program(t testing.TB, path string, text []byte) {
	t.Helper()
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, text, 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
}

// Script is Program for a text.
func Script(t testing.TB, path, text string) {
	t.Helper()
	Program(t, path, []byte(text))
}

// ProgramCopy writes a copy of a program.
func ProgramCopy(t testing.TB, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	Program(t, to, text)
}

// Leased returns a copy of a program on which the kernel makes every open and execution wait: for
// 45 s, unless letGo is called or the test ends.
func Leased(t testing.TB, program string) (path string, letGo func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "leased")
	ProgramCopy(t, program, path)
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	if _, err := unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Fatal(err)
	}
	// Closing is not enough: a process that is being started may have the descriptor too.
	return path, func() {
		_, _ = unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
		_ = file.Close()
	}
}
