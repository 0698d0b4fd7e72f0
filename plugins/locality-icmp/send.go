package main

import (
	"errors"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

const (
	sendBatch = 64 // echoes in one system call
	// maxStuck is for how many ticks a full send buffer may delay one echo before the
	// echo counts as not sent; else one broken interface would stop all others.
	maxStuck = 20
)

// sender holds the buffers of the sending goroutine.
type sender struct {
	ms    []ipv4.Message
	buf   []byte
	stuck int // ticks for which the next echo has found the send buffer full
}

// newSender makes the buffers for echoes with so many bytes of payload.
func newSender(size int) *sender {
	n := icmpHeaderLen + size
	s := &sender{ms: make([]ipv4.Message, sendBatch), buf: make([]byte, sendBatch*n)}
	for i := range s.ms {
		s.ms[i].Buffers = [][]byte{s.buf[i*n : (i+1)*n]}
	}
	return s
}

// sendDue sends echoes of r until due of them are sent, at most maxBurst in one call. Those
// that get no timestamp of their departure are sent one by one: within a batch the times
// would be estimates.
func (p *Pinger) sendDue(out *sender, r *round, due int) {
	due = min(due, r.next+maxBurst)
	for r.next < due {
		f := r.target(r.next).family()
		n := p.fill(out, r, f, min(due, r.next+p.batch(f)))
		if !p.write(out, r, f, n) {
			return // the send buffer is full: continue at the next tick
		}
	}
}

// fill prepares consecutive echoes of one family, up to slot end.
func (p *Pinger) fill(out *sender, r *round, f family, end int) int {
	id := p.id + uint16(r.id/idRounds)
	n := 0
	for slot := r.next; slot < end; slot++ {
		t := r.target(slot)
		if t.family() != f {
			break
		}
		m := &out.ms[n]
		r.echo(slot).put(m.Buffers[0], f, id)
		m.Addr = t.to
		n++
	}
	return n
}

// batch returns how many echoes of a family may be sent in one call.
func (p *Pinger) batch(f family) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.links[f].departures.batch()
}

// write sends a batch without waiting. It returns false if the socket accepts nothing now.
// It holds the lock, so that no reply is handled before the send times are stored.
func (p *Pinger) write(out *sender, r *round, f family, n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.links[f]
	before := time.Now()
	sent, err := l.WriteBatch(out.ms[:n], unix.MSG_DONTWAIT)
	for again := 0; again < 2 && sent <= 0 && l.pending(err); again++ {
		l.departures.lost(l.renumber)
		before = time.Now()
		sent, err = l.WriteBatch(out.ms[:n], unix.MSG_DONTWAIT)
	}
	took := time.Since(before)
	sent = max(sent, 0)
	for i := range sent {
		p.accepted(r.target(r.next))
		l.departures.sent(r, r.next, before)
		r.markSent(before.Add(took * time.Duration(i) / time.Duration(sent)))
	}
	p.complained(p.readQueue(l), before)
	if sent < n {
		l.departures.lost(l.renumber)
	}
	if sent > 0 {
		out.stuck = 0
		return true // the rest is tried again, and then the error says why
	}
	if full(err) && out.stuck < maxStuck {
		out.stuck++
		return false
	}
	out.stuck = 0
	p.rejected(r.target(r.next), err)
	r.markUnsent(before)
	return true
}

func full(err error) bool {
	return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.EINTR)
}

// rejected records that the kernel does not send to a target, and logs it if that is new.
// The caller holds mu.
func (p *Pinger) rejected(t *target, err error) {
	var errno unix.Errno
	why := "nothing was sent"
	switch {
	case errors.As(err, &errno):
		why = errno.Error()
	case err != nil:
		why = err.Error()
	}
	if p.refused[t.path()] == why {
		return
	}
	p.refused[t.path()] = why
	level := hclog.Warn
	if w := p.ways[t.peer]; w != nil && len(w.addrs) > 1 {
		level = hclog.Debug // another address of the peer may be used
	}
	p.log.Log(level, "can't send to peer", "peer", t.peer, "address", t.address, "ip", t.addr, "error", why)
}

// accepted records that the kernel sends to a target. The caller holds mu.
func (p *Pinger) accepted(t *target) {
	if len(p.refused) == 0 {
		return
	}
	if _, ok := p.refused[t.path()]; ok {
		delete(p.refused, t.path())
		p.log.Info("can send to peer again", "peer", t.peer, "address", t.address, "ip", t.addr)
	}
}
