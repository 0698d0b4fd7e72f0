package main

import (
	"encoding/binary"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// oobLen is the space for the control messages of one packet: a timestamp, and an error with
// the address of who said it.
const oobLen = 192

// kernelTime returns the kernel's timestamp from a packet's control messages. It is
// wall-clock time, so it may be compared only with another reading of the wall clock that
// is close to it.
func kernelTime(oob []byte) (time.Time, bool) {
	for len(oob) >= unix.CmsgLen(0) {
		header, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return time.Time{}, false
		}
		switch {
		case header.Level != unix.SOL_SOCKET:
		case header.Type == unix.SCM_TIMESTAMPNS:
			return timespec(data)
		case header.Type == unix.SCM_TIMESTAMPING: // that of software, and two of hardware
			return timespec(data[:len(data)/3])
		}
		oob = rest
	}
	return time.Time{}, false
}

// timespec decodes a struct timespec of 32-bit or 64-bit fields.
func timespec(b []byte) (time.Time, bool) {
	var sec, nsec int64
	switch len(b) {
	case 16:
		sec, nsec = int64(binary.NativeEndian.Uint64(b)), int64(binary.NativeEndian.Uint64(b[8:]))
	case 8:
		sec, nsec = int64(int32(binary.NativeEndian.Uint32(b))), int64(binary.NativeEndian.Uint32(b[4:]))
	}
	return time.Unix(sec, nsec), sec != 0
}

// Timestamps of this plugin's sockets: of packets that arrive, and of those that leave. The
// latter are queued with the number of the packet on its socket, and without the packet.
const (
	stampArrivals   = unix.SOF_TIMESTAMPING_SOFTWARE | unix.SOF_TIMESTAMPING_RX_SOFTWARE
	stampDepartures = unix.SOF_TIMESTAMPING_TX_SOFTWARE | unix.SOF_TIMESTAMPING_OPT_TSONLY
	numberPackets   = unix.SOF_TIMESTAMPING_OPT_ID
)

// enableTimestamps requests kernel timestamps, and reports whether packets that leave get
// them too. If the kernel has none, that is not an error: then the times of the calls count.
func enableTimestamps(c controller) (departures bool) {
	_ = c.Control(func(fd uintptr) {
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPING, stampArrivals|stampDepartures|numberPackets) == nil {
			departures = true
			return
		}
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
	return departures
}

// renumber lets the numbers of packets that leave begin with 0 again, and reports whether it
// could.
func renumber(c controller) bool {
	var opt error
	err := c.Control(func(fd uintptr) {
		opt = errors.Join(
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPING, stampArrivals),
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPING, stampArrivals|stampDepartures|numberPackets))
	})
	return err == nil && opt == nil
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
	// A send time without a timestamp of the kernel is an estimate, and a reply over loopback
	// may take less than the microsecond by which it can be wrong.
	return max(rtt, time.Microsecond)
}
