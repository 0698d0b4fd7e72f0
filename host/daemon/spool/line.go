package spool

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// SegmentSize is the size at which a segment is full; its last line may go beyond it.
	SegmentSize = 4 << 20
	// Segments is how many segments are kept.
	Segments = 2
)

// Stream is the stream that a line was printed to.
type Stream uint8

// The streams.
const (
	Out  Stream = iota + 1
	Err         // standard error
	Note        // none: the writer or the reader reports lost lines
	// Suppressed is none, too: the text is the number of lines that were not stored, because
	// there were too many.
	Suppressed
)

// A daemon may print MaxLines lines in each Window; those beyond are counted and not kept.
const (
	MaxLines = 500
	Window   = 5 * time.Second
)

func (s Stream) word() string {
	switch s {
	case Out:
		return "out"
	case Err:
		return "err"
	case Suppressed:
		return "sup"
	}
	return "---"
}

// Line is one line of output.
type Line struct {
	At     time.Time
	Stream Stream
	Text   string // without the line feed
}

const stampLayout = "2006-01-02T15:04:05.000000Z"

// append appends the line in the format of a segment.
func (l Line) append(b []byte) []byte {
	b = l.At.UTC().AppendFormat(b, stampLayout)
	b = append(b, ' ')
	b = append(b, l.Stream.word()...)
	b = append(b, ' ')
	b = append(b, l.Text...)
	return append(b, '\n')
}

// parse parses a line without its line feed, and reports false for one that was torn.
func parse(b []byte) (l Line, ok bool) {
	stamp, rest, ok := bytes.Cut(b, []byte{' '})
	if !ok {
		return Line{}, false
	}
	stream, text, ok := bytes.Cut(rest, []byte{' '})
	if !ok {
		return Line{}, false
	}
	switch string(stream) {
	case "out":
		l.Stream = Out
	case "err":
		l.Stream = Err
	case "---":
		l.Stream = Note
	case "sup":
		l.Stream = Suppressed
	default:
		return Line{}, false
	}
	at, err := time.Parse(stampLayout, string(stamp))
	if err != nil {
		return Line{}, false
	}
	l.At, l.Text = at, string(text)
	return l, true
}

func segmentPath(dir string, segment uint64) string {
	return filepath.Join(dir, fmt.Sprintf("out.%08d.log", segment))
}

// segments returns the numbers of a folder's segments, oldest first.
func segments(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("output folder: %w", err)
	}
	var out []uint64
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name(), "out.")
		if !ok {
			continue
		}
		number, ok := strings.CutSuffix(name, ".log")
		if n, err := strconv.ParseUint(number, 10, 64); ok && err == nil {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}
