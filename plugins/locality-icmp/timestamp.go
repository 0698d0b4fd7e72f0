package main

import (
	"encoding/binary"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// oobLen is the space for the control messages of one packet: a timestamp, and an error with
// the address of who said it.
const oobLen = 128

// kernelTime returns the kernel's receive timestamp from a packet's control messages. It is
// wall-clock time, so it may be compared only with another reading of the wall clock that
// is close to it.
func kernelTime(oob []byte) (time.Time, bool) {
	for len(oob) >= unix.CmsgLen(0) {
		header, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return time.Time{}, false
		}
		if header.Level == unix.SOL_SOCKET && header.Type == unix.SCM_TIMESTAMPNS {
			return timespec(data)
		}
		oob = rest
	}
	return time.Time{}, false
}

// timespec decodes a struct timespec of 32-bit or 64-bit fields.
func timespec(b []byte) (time.Time, bool) {
	switch len(b) {
	case 16:
		return time.Unix(int64(binary.NativeEndian.Uint64(b)), int64(binary.NativeEndian.Uint64(b[8:]))), true
	case 8:
		return time.Unix(int64(int32(binary.NativeEndian.Uint32(b))), int64(binary.NativeEndian.Uint32(b[4:]))), true
	}
	return time.Time{}, false
}

// enableTimestamps requests kernel receive timestamps. If the kernel has none, that is not
// an error: then the time of the read is used.
func enableTimestamps(c syscall.RawConn) error {
	var opt error
	if err := c.Control(func(fd uintptr) {
		opt = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}); err != nil {
		return err
	}
	return opt
}

// roundTrip returns the time from sent to the arrival of the reply. The monotonic time until
// the process read the reply is the upper bound. The kernel's timestamp is more exact,
// since it does not include the wait for this process to run; it is used if it lies
// within the bound. If it does not, the wall clock was stepped.
func roundTrip(sent, read, kernel time.Time, stamped bool) time.Duration {
	bound := read.Sub(sent)
	rtt := bound
	if stamped {
		// kernel has no monotonic reading, so this compares wall-clock times.
		if d := kernel.Sub(sent); d > 0 && d <= bound {
			rtt = d
		}
	}
	// Send times within a batch are estimates, and a reply over loopback may take less
	// than the microsecond by which they can be wrong.
	return max(rtt, time.Microsecond)
}
