package main

import (
	"encoding/binary"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// oobLen holds the control messages that a socket of ours may deliver.
const oobLen = 64

// kernelTime finds the kernel's receive timestamp among a packet's control
// messages. It is wall-clock time, so it is only good for comparing with another
// wall-clock reading nearby.
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

// enableTimestamps asks for kernel receive timestamps. A kernel without them is
// no error: the time of the read is then used.
func enableTimestamps(c syscall.RawConn) error {
	var opt error
	if err := c.Control(func(fd uintptr) {
		opt = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}); err != nil {
		return err
	}
	return opt
}

// roundTrip is the time from sent to the arrival of the reply. The monotonic
// time until the program read it is the upper bound; the kernel's timestamp says
// it better, without the wait for this process to run, as long as it lies within
// that bound. Outside of it the wall clock was stepped, and the bound is used.
func roundTrip(sent, read, kernel time.Time, stamped bool) time.Duration {
	bound := read.Sub(sent)
	rtt := bound
	if stamped {
		// kernel has no monotonic reading, so this compares wall with wall.
		if d := kernel.Sub(sent); d > 0 && d <= bound {
			rtt = d
		}
	}
	// Two packets of one batch share their send time but for an estimate, and a
	// reply over loopback is faster than a microsecond's error in it.
	return max(rtt, time.Microsecond)
}
