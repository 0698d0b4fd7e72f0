package shim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const (
	// page is what a disk writes at once.
	page = 4096
	// endSize is the space for the end, which begins with a page.
	endSize = 4 * page
	// maxLastError bounds the line of an end, so that it fits whatever it holds.
	maxLastError = 512
)

// slot is the file of a record, on disk with its space for the end, which is written in place:
// a disk that is full by then has room for it.
type slot struct {
	file *os.File
	at   int64 // where the end goes
	// record is the text of the record without the end.
	record []byte
}

// reserve writes the record of a run that begins, with space for its end. It takes the file of
// an earlier run, if there is one: a restart needs no space either. Nothing is synced to the
// disk: after a power cut the processes are gone anyway, and a sync can take longer than a
// daemon's whole start.
func (f Folder) reserve(r Record) (*slot, error) {
	s, text, err := blank(r)
	if err != nil {
		return nil, fmt.Errorf("record of the daemon: %w", err)
	}
	next := f.state() + ".next"
	_ = os.Rename(f.spare(), next)
	s.file, err = os.OpenFile(next, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		if err = unix.Fallocate(int(s.file.Fd()), 0, 0, int64(len(text))); errors.Is(err, unix.EOPNOTSUPP) {
			err = nil // then writing it has to do
		}
	}
	if err == nil {
		_, err = s.file.WriteAt(text, 0)
	}
	if err == nil {
		err = s.file.Truncate(int64(len(text)))
	}
	if err == nil {
		err = os.Rename(next, f.state())
	}
	if err != nil {
		s.close()
		_ = os.Remove(next)
		return nil, fmt.Errorf("record of the daemon: %w", err)
	}
	return s, nil
}

// blank returns the text of a record without an end. Spaces mean nothing in JSON, so it is valid
// before and after the end is written over a page of them.
func blank(r Record) (*slot, []byte, error) {
	r.Main, r.End = nil, nil
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, nil, err
	}
	record := text
	text = bytes.TrimSuffix(text, []byte("\n}"))
	at := (len(text) + page - 1) / page * page
	padded := make([]byte, at+endSize)
	for i := copy(padded, text); i < len(padded); i++ {
		padded[i] = ' '
	}
	copy(padded[len(padded)-2:], "\n}")
	return &slot{at: int64(at), record: record}, padded, nil
}

// put writes how the main process ended, and how the run did; each may be nil. Of the processes
// that are left it names as many as there is space for.
func (s *slot) put(main, end *End) error {
	text, err := fields(main, end)
	for len(text) > endSize-2 && err == nil {
		main, end = halved(main), halved(end)
		text, err = fields(main, end)
	}
	if err == nil { // over what was there before
		_, err = s.file.WriteAt(append(text, bytes.Repeat([]byte{' '}, endSize-2-len(text))...), s.at)
	}
	if err != nil {
		return fmt.Errorf("record of the daemon: %w", err)
	}
	return nil
}

func fields(main, end *End) (text []byte, err error) {
	for _, f := range []struct {
		name string
		end  *End
	}{{"main", main}, {"end", end}} {
		if f.end == nil {
			continue
		}
		e := *f.end
		e.LastError = e.LastError[:min(len(e.LastError), maxLastError)]
		value, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		text = fmt.Appendf(text, ",\n  %q: %s", f.name, value)
	}
	return text, nil
}

// halved returns an end with half of the processes that are left.
func halved(e *End) *End {
	if e == nil {
		return nil
	}
	half := *e
	half.Left = half.Left[:len(half.Left)/2]
	return &half
}

func (s *slot) close() {
	if s.file != nil {
		_ = s.file.Close()
	}
}
