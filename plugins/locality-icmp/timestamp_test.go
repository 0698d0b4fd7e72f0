package main

import (
	"encoding/binary"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// stamp is a control message with a kernel receive timestamp.
func stamp(t time.Time) []byte {
	b := make([]byte, unix.CmsgSpace(16))
	binary.NativeEndian.PutUint64(b, uint64(unix.CmsgLen(16)))
	binary.NativeEndian.PutUint32(b[8:], unix.SOL_SOCKET)
	binary.NativeEndian.PutUint32(b[12:], unix.SCM_TIMESTAMPNS)
	binary.NativeEndian.PutUint64(b[unix.CmsgLen(0):], uint64(t.Unix()))
	binary.NativeEndian.PutUint64(b[unix.CmsgLen(0)+8:], uint64(t.Nanosecond()))
	return b
}

func TestKernelTime(t *testing.T) {
	at := time.Unix(1_700_000_000, 123_456_789)
	if got, ok := kernelTime(stamp(at)); !ok || !got.Equal(at) {
		t.Errorf("got %v, %v; want %v", got, ok, at)
	}
	for name, oob := range map[string][]byte{"none": nil, "cut": stamp(at)[:20], "zeros": make([]byte, oobLen)} {
		if got, ok := kernelTime(oob); ok {
			t.Errorf("%s: read %v", name, got)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	sent := time.Now()
	ms := func(n int) time.Time { return sent.Add(time.Duration(n) * time.Millisecond) }
	tests := map[string]struct {
		read, kernel time.Time
		stamped      bool
		want         time.Duration
	}{
		"without a timestamp the read counts":        {ms(9), time.Time{}, false, 9 * time.Millisecond},
		"the timestamp leaves out our own delay":     {ms(9), ms(2).Round(0), true, 2 * time.Millisecond},
		"clock stepped back: the read counts":        {ms(9), ms(-3_600_000).Round(0), true, 9 * time.Millisecond},
		"clock stepped forward: the read counts":     {ms(9), ms(3_600_000).Round(0), true, 9 * time.Millisecond},
		"an estimate that is too late: never zero":   {ms(0), ms(0).Round(0), true, time.Microsecond},
		"an estimate after the read: never negative": {ms(-1), ms(-2).Round(0), true, time.Microsecond},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := roundTrip(sent, tt.read, tt.kernel, tt.stamped); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
