package durable

import (
	"fmt"
	"slices"
)

// Retain drops the oldest files for as long as the chain is larger than it may be, or
// they hold nothing young enough. The newest stays.
func (l *Log) Retain() error {
	if keepsAll(l.opts.Chain) {
		return nil
	}
	for {
		number, ok := l.due()
		if !ok {
			return nil
		}
		if err := l.opts.FS.Remove(nameOf(number)); err != nil {
			return fmt.Errorf("drop old %s records: %w", l.opts.Chain, err)
		}
		l.mu.Lock()
		l.held = slices.DeleteFunc(l.held, func(h held) bool { return h.number == number })
		delete(l.aside, number)
		l.mu.Unlock()
	}
}

// due gives the next file to drop.
func (l *Log) due() (uint64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.held) == 0 {
		return 0, false
	}
	for number := range l.aside {
		if number < l.held[0].number { // what it stood between is gone
			return number, true
		}
	}
	oldest := l.held[0]
	if len(l.held) == 1 {
		return 0, false
	}
	large := l.opts.KeepSize > 0 && l.bytes() > l.opts.KeepSize
	old := l.opts.KeepAge > 0 && l.now().Sub(oldest.newest) > l.opts.KeepAge
	return oldest.number, large || old
}
