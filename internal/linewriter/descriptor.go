package linewriter

import (
	"errors"
	"syscall"
	"time"
)

// fullPoll is how often a descriptor that does not block is tried again while it is full.
const fullPoll = 20 * time.Millisecond

// errQuit means that the process does not wait for its log any longer.
var errQuit = errors.New("the end of the process was not held up for it")

// descriptor is what lines are written to. It is written to directly: the File of package os
// ends the process when the reader of a standard stream is gone.
type descriptor struct {
	fd   int
	quit chan struct{} // closed when nothing is waited for any more
	torn bool          // the last line was written in part
}

// writeAll writes entries, and returns those that were not written whole, and why.
func (d *descriptor) writeAll(batch []entry) (left []entry, cause error) {
	var b []byte
	if d.torn {
		b = append(b, '\n')
	}
	lead := len(b)
	for _, e := range batch {
		b = append(b, e.text...)
	}
	n, err := d.write(b)
	if err == nil {
		d.torn = false
		return nil, nil
	}
	if n > 0 {
		d.torn = b[n-1] != '\n'
	}
	n -= lead
	for len(batch) > 0 && n >= len(batch[0].text) {
		n -= len(batch[0].text)
		batch = batch[1:]
	}
	return batch, err
}

// write writes all of b, and returns how much it did.
func (d *descriptor) write(b []byte) (n int, err error) {
	for n < len(b) {
		m, err := syscall.Write(d.fd, b[n:])
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN): // somebody who shares it has made it so
			select {
			case <-time.After(fullPoll):
			case <-d.quit:
				return n, errQuit
			}
		case err != nil:
			return n, err
		default:
			n += m
		}
	}
	return n, nil
}
