package sim

import (
	"container/heap"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// event is something that happens at a time.
type event struct {
	at  mesh.Time
	seq uint64 // of two at the same time, which was asked for first
	do  func()
}

// events is a heap of events, the next one first.
type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(x any)   { *q = append(*q, x.(event)) }
func (q *events) Pop() any {
	old := *q
	last := old[len(old)-1]
	old[len(old)-1] = event{}
	*q = old[:len(old)-1]
	return last
}

// after has something happen some time from now.
func (w *World) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.queue, event{at: w.now.Add(d), seq: w.seq, do: do})
}

// run runs what happens up to a time.
func (w *World) run(until mesh.Time) {
	for w.failure == nil && len(w.queue) > 0 && w.queue[0].at <= until {
		e := heap.Pop(&w.queue).(event)
		w.now = e.at
		w.steps++
		e.do()
	}
	w.now = max(w.now, until)
}
