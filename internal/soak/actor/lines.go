package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"time"
)

// writer prints numbered lines, and notes how many of them were taken.
type writer struct {
	a     actor
	run   int
	begun uint64 // lines of which the writing began
	taken *os.File
	buf   bytes.Buffer
}

func newWriter(a actor, run int) *writer {
	name := a.mark(fmt.Sprintf("taken.%d", run))
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		a.wrong("its count of lines: %v", err)
	}
	return &writer{a: a, run: run, taken: f}
}

// lines prints the next n lines with one write. One write in eight goes to standard error.
func (w *writer) lines(n int) {
	first := w.begun + 1
	w.begun += uint64(n)
	w.buf.Reset()
	for i := range uint64(n) {
		fmt.Fprintf(&w.buf, "soak %d %d %d\n", w.run, first+i, time.Now().UnixMilli())
	}
	out := os.Stdout
	if w.begun%8 == 7 {
		out = os.Stderr
	}
	if _, err := out.Write(w.buf.Bytes()); err != nil {
		return // whoever reads is gone, and this process will be
	}
	var count [8]byte
	binary.LittleEndian.PutUint64(count[:], w.begun)
	_, _ = w.taken.WriteAt(count[:], 0)
}
