package due

import "github.com/meshos/meshos/host/mesh"

// Queue holds things of type K by the time at which they are due. The zero value is empty.
type Queue[K any] struct {
	heap []item[K] // each is due no later than the two behind it, at 2i+1 and 2i+2
}

type item[K any] struct {
	at    mesh.Time
	thing K
}

// Add has a thing taken out at a time. A thing may be in the queue several times.
func (q *Queue[K]) Add(at mesh.Time, thing K) {
	q.heap = append(q.heap, item[K]{at, thing})
	for i := len(q.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if q.heap[parent].at <= q.heap[i].at {
			return
		}
		q.heap[parent], q.heap[i] = q.heap[i], q.heap[parent]
		i = parent
	}
}

// Take takes out a thing that is due at now, with the time for which it was put in; ok is
// false if none is.
func (q *Queue[K]) Take(now mesh.Time) (at mesh.Time, thing K, ok bool) {
	if len(q.heap) == 0 || q.heap[0].at > now {
		return 0, thing, false
	}
	first := q.heap[0]
	last := len(q.heap) - 1
	q.heap[0] = q.heap[last]
	q.heap[last] = item[K]{}
	q.heap = q.heap[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if q.heap[child].at < q.heap[least].at {
				least = child
			}
		}
		if least == i {
			break
		}
		q.heap[i], q.heap[least] = q.heap[least], q.heap[i]
		i = least
	}
	return first.at, first.thing, true
}

// Len returns how many things wait, counting each as often as it was added.
func (q *Queue[K]) Len() int { return len(q.heap) }
