// Package pinned uses the descriptor of a file while another goroutine may close the file.
//
// The number that os.File.Fd returns is only that: once the file is closed, the next file that is
// opened may get it. Fd fits where one goroutine owns the file; where several share it, or who
// closes it is elsewhere, Do fits.
package pinned

import "os"

// Do calls use with the descriptor of a file. A Close meanwhile takes effect when use returns.
// The error is that of use, or os.ErrClosed if the file was closed before.
func Do(file *os.File, use func(fd int) error) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err // it is nil
	}
	var failed error
	if raw.Control(func(fd uintptr) { failed = use(int(fd)) }) != nil {
		return os.ErrClosed
	}
	return failed
}
