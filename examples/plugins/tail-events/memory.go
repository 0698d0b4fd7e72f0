package main

import "time"

// memory remembers how far the file was read, across processes. A line that was
// handed to the connection may still be lost if this process is killed right then;
// so a place counts only once it was sent settle ago.
type memory struct {
	file   string
	settle time.Duration
	off    bool

	marks []mark // not remembered yet, oldest first
	err   error  // of the last attempt to remember
}

// mark is a place with when it was reached. Places of about the same time share
// one, so that there are few.
type mark struct {
	first, last time.Time
	at          place
}

// marksPerSettle bounds the marks.
const marksPerSettle = 8

func (m *memory) load() (*place, error) {
	if m.off {
		return nil, nil
	}
	return loadPlace(m.file)
}

// sent notes that everything up to a place was sent.
func (m *memory) sent(at place, now time.Time) {
	if n := len(m.marks); n > 0 && now.Sub(m.marks[n-1].first) < m.settle/marksPerSettle {
		m.marks[n-1].last, m.marks[n-1].at = now, at
		return
	}
	m.marks = append(m.marks, mark{first: now, last: now, at: at})
}

// settled remembers the last place that was sent long enough ago.
func (m *memory) settled(now time.Time) {
	n := 0
	for n < len(m.marks) && now.Sub(m.marks[n].last) >= m.settle {
		n++
	}
	m.keep(n)
}

// flush remembers the last place that was sent.
func (m *memory) flush() { m.keep(len(m.marks)) }

// keep remembers the last of the first n marks.
func (m *memory) keep(n int) {
	if n == 0 {
		return
	}
	if !m.off {
		m.err = savePlace(m.file, m.marks[n-1].at)
	}
	m.marks = m.marks[n:]
}
