package main

import "time"

// checkpoint saves how far the file was read, for later processes. A line that was sent may
// still be lost if this process is killed right then, so a position is saved only settle
// after it was sent.
type checkpoint struct {
	file   string
	settle time.Duration
	off    bool

	marks []mark // not saved yet, oldest first
	err   error  // of the last attempt to save
}

// mark is a position and when it was sent. Positions of about the same time share a mark,
// so that there are few.
type mark struct {
	first, last time.Time
	at          position
}

// marksPerSettle limits the marks.
const marksPerSettle = 8

func (m *checkpoint) load() (*position, error) {
	if m.off {
		return nil, nil
	}
	return loadPosition(m.file)
}

// sent notes that everything up to a position was sent.
func (m *checkpoint) sent(at position, now time.Time) {
	if n := len(m.marks); n > 0 && now.Sub(m.marks[n-1].first) < m.settle/marksPerSettle {
		m.marks[n-1].last, m.marks[n-1].at = now, at
		return
	}
	m.marks = append(m.marks, mark{first: now, last: now, at: at})
}

// settled saves the last position that was sent long enough ago.
func (m *checkpoint) settled(now time.Time) {
	n := 0
	for n < len(m.marks) && now.Sub(m.marks[n].last) >= m.settle {
		n++
	}
	m.keep(n)
}

// flush saves the last position that was sent.
func (m *checkpoint) flush() { m.keep(len(m.marks)) }

// keep saves the last of the first n marks, and drops these.
func (m *checkpoint) keep(n int) {
	if n == 0 {
		return
	}
	if !m.off {
		m.err = savePosition(m.file, m.marks[n-1].at)
	}
	m.marks = m.marks[n:]
}
