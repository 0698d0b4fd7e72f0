package state

// ring keeps the last size records. The result of view does not change when more is pushed:
// a full buffer is left to its readers, and a new one begins.
type ring[T any] struct {
	size int
	buf  []T
	seq  uint64 // of the newest record; 0 before the first
}

func newRing[T any](size int) ring[T] { return ring[T]{size: size} }

// next returns the number of the record that is to be pushed. No number is used twice: a
// counter of 64 bits does not overflow within the life of a process.
func (r *ring[T]) next() uint64 {
	r.seq++
	return r.seq
}

func (r *ring[T]) push(v T) {
	if len(r.buf) >= 2*r.size {
		fresh := make([]T, 0, 2*r.size)
		r.buf = append(fresh, r.buf[len(r.buf)-r.size+1:]...)
	}
	r.buf = append(r.buf, v)
}

// view returns the records, oldest first. They must not be written to.
func (r *ring[T]) view() []T {
	first := max(0, len(r.buf)-r.size)
	return r.buf[first:len(r.buf):len(r.buf)]
}
