package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// history is what was done, and when.
type history struct {
	file  *os.File
	lines []string
}

func newHistory(path string) (*history, error) {
	f, err := os.Create(path)
	return &history{file: f}, err
}

func (h *history) add(format string, args ...any) {
	line := time.Now().UTC().Format("15:04:05.000 ") + fmt.Sprintf(format, args...)
	h.lines = append(h.lines, line)
	_, _ = fmt.Fprintln(h.file, line)
}

// print prints what was done last.
func (h *history) print(w io.Writer, n int) {
	_, _ = fmt.Fprintf(w, "what was done last, of %d things:\n", len(h.lines))
	for _, line := range h.lines[max(0, len(h.lines)-n):] {
		_, _ = fmt.Fprintln(w, "  "+line)
	}
}
