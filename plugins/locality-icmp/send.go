package main

import (
	"errors"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

const (
	sendBatch = 64 // echoes in one system call
	// maxStuck is how many ticks one echo may be held up by a full send buffer
	// before it counts as not sent; else one sick interface would stop the rest.
	maxStuck = 20
)

// sender holds the buffers of the sending goroutine.
type sender struct {
	ms    []ipv4.Message
	buf   []byte
	stuck int // ticks for which the next echo has found the send buffer full
}

func newSender() *sender {
	s := &sender{ms: make([]ipv4.Message, sendBatch), buf: make([]byte, sendBatch*echoLen)}
	for i := range s.ms {
		s.ms[i].Buffers = [][]byte{s.buf[i*echoLen : (i+1)*echoLen]}
	}
	return s
}

// sendDue sends echoes of r until due of them are sent, at most maxBurst. When
// there are few, each goes out alone and so has a send time of its own; within a
// batch the times are an estimate.
func (p *Pinger) sendDue(out *sender, r *round, due int) {
	due = min(due, r.next+maxBurst)
	batch := sendBatch
	if due-r.next <= group {
		batch = 1
	}
	for r.next < due {
		f := r.target(r.next).family()
		n := p.fill(out, r, f, min(due, r.next+batch))
		if !p.write(out, r, f, n) {
			return // the send buffer is full: the next tick goes on
		}
	}
}

// fill prepares neighbouring echoes of one family, up to slot end.
func (p *Pinger) fill(out *sender, r *round, f family, end int) int {
	id := uint16(p.cookie) + uint16(r.id/idRounds)
	n := 0
	for slot := r.next; slot < end; slot++ {
		t := r.target(slot)
		if t.family() != f {
			break
		}
		m := &out.ms[n]
		echo{cookie: p.cookie, round: r.id, slot: uint32(slot), nonce: r.nonce(slot)}.put(m.Buffers[0], f, id)
		m.Addr = t.to
		n++
	}
	return n
}

// write sends a batch without ever waiting. It reports false if the socket takes
// nothing now. The lock is held so that no reply is looked at before the send
// times stand.
func (p *Pinger) write(out *sender, r *round, f family, n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := time.Now()
	sent, err := p.links[f].WriteBatch(out.ms[:n], unix.MSG_DONTWAIT)
	took := time.Since(before)
	sent = max(sent, 0)
	for i := range sent {
		p.accepted(r.target(r.next))
		r.markSent(before.Add(took * time.Duration(i) / time.Duration(sent)))
	}
	if sent > 0 {
		out.stuck = 0
		return true // what was not sent is tried again, and then tells why
	}
	if full(err) && out.stuck < maxStuck {
		out.stuck++
		return false
	}
	out.stuck = 0
	p.rejected(r.target(r.next), err)
	r.markSent(before)
	return true
}

func full(err error) bool {
	return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.EINTR)
}

// rejected notes that the kernel does not send to a target, and says so if it is
// news. The caller holds mu.
func (p *Pinger) rejected(t *target, err error) {
	var errno unix.Errno
	why := "nothing was sent"
	switch {
	case errors.As(err, &errno):
		why = errno.Error()
	case err != nil:
		why = err.Error()
	}
	if p.refused[t.peer] == why {
		return
	}
	p.refused[t.peer] = why
	p.log.Warn("can't send to peer", "peer", t.peer, "address", t.address, "ip", t.addr, "error", why)
}

// accepted notes that the kernel sends to a target. The caller holds mu.
func (p *Pinger) accepted(t *target) {
	if len(p.refused) == 0 {
		return
	}
	if _, ok := p.refused[t.peer]; ok {
		delete(p.refused, t.peer)
		p.log.Info("can send to peer again", "peer", t.peer, "address", t.address, "ip", t.addr)
	}
}
