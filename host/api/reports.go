package api

import (
	"fmt"
	"sync"
	"time"
)

// reportEvery bounds how often refusals of one owner are reported, and reportOwners for how
// many owners that is remembered.
const (
	reportEvery  = time.Minute
	reportOwners = 1024
)

// reports tells operators of connections and calls that were refused, each owner's once a
// minute with the count of the others.
type reports struct {
	report func(source, reason string) // nil for nobody
	now    func() time.Time

	mu   sync.Mutex
	last map[string]*reported
}

type reported struct {
	at   time.Time
	more int // since then
}

func newReports(report func(source, reason string), now func() time.Time) *reports {
	return &reports{report: report, now: now, last: make(map[string]*reported)}
}

func (r *reports) connection(who, why string) { r.add("a connection", who, why) }

func (r *reports) call(who, why string) { r.add("a call", who, why) }

func (r *reports) add(what, who, why string) {
	if r.report == nil {
		return
	}
	if text := r.next(what, who, why); text != "" {
		r.report("api", text)
	}
}

// next returns what is reported now, "" for nothing.
func (r *reports) next(what, who, why string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, known := r.last[who]
	switch {
	case !known && len(r.last) >= reportOwners:
		return ""
	case !known:
		last = &reported{}
		r.last[who] = last
	case r.now().Sub(last.at) < reportEvery:
		last.more++
		return ""
	}
	text := fmt.Sprintf("%s of %s was refused: %s", what, who, why)
	if last.more > 0 {
		text += fmt.Sprintf(" (and %d more since the last report)", last.more)
	}
	last.at, last.more = r.now(), 0
	return text
}

// socket reports what became of the socket's file.
func (r *reports) socket(reason string) {
	if r.report != nil {
		r.report("api", reason)
	}
}
