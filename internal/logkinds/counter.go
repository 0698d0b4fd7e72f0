package logkinds

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// How lines of one kind are counted.
const (
	Window = 5 * time.Second // lines of this time are counted together
	Shown  = 5               // the first lines of a kind are shown
	Again  = 1               // and so many of a window that follows one in which lines were counted

	mostKinds    = 200 // that are counted at once; lines of further ones are shown
	mostCauses   = 30  // that are counted
	saidCauses   = 4   // the most frequent ones
	mostExamples = 3
)

// Line is a line for a log.
type Line struct {
	Level   int // the more, the worse
	Message string
}

// Counter counts the lines of one source. The zero value is ready. It is not safe for concurrent
// use.
type Counter struct {
	kinds map[kindOf]*kind
	first time.Time // no window of theirs began before
}

type kindOf struct {
	level int
	head  string
}

// kind is what is known of the lines of one kind in one window.
type kind struct {
	began    time.Time
	left     int // so many more lines are shown
	counted  int
	last     string // line that was counted
	causes   Tally  // of lines that were counted; 0 for one that only shown lines had
	examples []string
}

// Add takes a line at a time, and reports whether it is to be shown; else it is counted. Call
// Due before.
func (c *Counter) Add(now time.Time, l Line) (show bool) {
	p := split(l.Message)
	of := kindOf{l.Level, p.head}
	k := c.kinds[of]
	if k == nil {
		if len(c.kinds) >= mostKinds {
			return true
		}
		if c.kinds == nil {
			c.kinds = make(map[kindOf]*kind)
		}
		if len(c.kinds) == 0 {
			c.first = now
		}
		k = &kind{began: now, left: Shown}
		c.kinds[of] = k
	}
	if k.left > 0 {
		k.left--
		k.causes.Add(p.cause, 0)
		return true
	}
	k.counted++
	k.last = l.Message
	k.causes.Add(p.cause, 1)
	if p.example != "" && len(k.examples) < mostExamples && !slices.Contains(k.examples, p.example) {
		k.examples = append(k.examples, p.example)
	}
	return false
}

// Due returns a line about each kind whose window is over and of which lines were counted.
func (c *Counter) Due(now time.Time) []Line {
	if now.Sub(c.first) < Window {
		return nil
	}
	return c.end(func(k *kind) bool { return now.Sub(k.began) >= Window }, now)
}

// Waiting reports whether lines are counted that no line has said yet.
func (c *Counter) Waiting() bool {
	for _, k := range c.kinds {
		if k.counted > 0 {
			return true
		}
	}
	return false
}

// Flush returns a line about each kind of which lines were counted, and begins anew.
func (c *Counter) Flush() []Line {
	out := c.end(func(*kind) bool { return true }, time.Time{})
	clear(c.kinds)
	return out
}

func (c *Counter) end(over func(*kind) bool, now time.Time) (out []Line) {
	var ended []kindOf
	for of, k := range c.kinds {
		if over(k) {
			ended = append(ended, of)
		}
	}
	slices.SortFunc(ended, func(a, b kindOf) int {
		return cmp.Or(c.kinds[a].began.Compare(c.kinds[b].began), cmp.Compare(a.head, b.head), cmp.Compare(a.level, b.level))
	})
	for _, of := range ended {
		k := c.kinds[of]
		if k.counted == 0 {
			delete(c.kinds, of)
			continue
		}
		out = append(out, Line{of.level, k.text(of.head)})
		c.kinds[of] = &kind{began: now, left: Again}
	}
	c.first = now
	for _, k := range c.kinds {
		if k.began.Before(c.first) {
			c.first = k.began
		}
	}
	return out
}

// text says how many lines were counted.
func (k *kind) text(head string) string {
	if k.counted == 1 {
		return k.last
	}
	text := fmt.Sprintf("%s: %s more like this in %v", head, Number(k.counted), Window)
	if causes := k.causes.String(); causes != "" {
		text += ": " + causes
	}
	if len(k.examples) > 0 {
		text += "; such as " + strings.Join(k.examples, ", ")
	}
	return text
}
