package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/net/ipv4"
)

const (
	readBatch = 128 // packets in one system call
	readLen   = 192 // bytes of a packet that are read: more than an error with the longest headers
	// maxReadErrors in a row mean that a socket is broken. A single error does not: the
	// kernel may report an ICMP error for an earlier packet on the next read.
	maxReadErrors = 64
)

// reply is one echo reply with its times.
type reply struct {
	echo
	kernel  time.Time
	stamped bool // kernel is set
}

// receive reads replies from l until ctx ends. An error means that the socket is broken.
func (p *Pinger) receive(ctx context.Context, l *link) error {
	ms := newReadBuffers()
	replies := make([]reply, 0, readBatch)
	var complaints []complaint
	for failed := 0; ; {
		n, err := l.ReadBatch(ms, 0)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			if !l.raw {
				if p.complainQueued(l) {
					failed = 0
					continue
				}
			}
			if failed++; failed >= maxReadErrors {
				return fmt.Errorf("read %s echo replies: %w", l.family, err)
			}
			continue
		}
		failed = 0
		read := time.Now()
		replies, complaints = replies[:0], complaints[:0]
		for _, m := range ms[:n] {
			e, ok := parseReply(m.Buffers[0][:m.N], l.family, l.withIPHeader())
			if !ok {
				if c, ok := parseComplaint(m.Buffers[0][:m.N], l.family, addrOf(m.Addr)); ok && l.raw {
					complaints = append(complaints, c)
				}
				continue
			}
			at, stamped := kernelTime(m.OOB[:m.NN])
			replies = append(replies, reply{echo: e, kernel: at, stamped: stamped})
		}
		p.match(l, replies, read)
		p.complain(complaints, read)
	}
}

func newReadBuffers() []ipv4.Message {
	ms := make([]ipv4.Message, readBatch)
	for i := range ms {
		ms[i].Buffers = [][]byte{make([]byte, readLen)}
		ms[i].OOB = make([]byte, oobLen)
	}
	return ms
}

// complainQueued stores what the kernel queued for a socket, and reports whether that was an
// error about an echo.
func (p *Pinger) complainQueued(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	queued := p.readQueue(l)
	p.complained(queued, time.Now())
	return len(queued) > 0
}

// match adds replies to their rounds. A reply without an open echo is dropped: it is a
// duplicate, forged, for another program, or too late even for a late one.
func (p *Pinger) match(l *link, replies []reply, read time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	queueRead := false
	for _, re := range replies {
		for _, r := range slices.Backward(p.rounds) {
			slot, ok := r.find(re.echo)
			if !ok {
				continue
			}
			if !r.exact[slot] && !queueRead { // some interfaces are later with their timestamps
				p.complained(p.readQueue(l), read)
				queueRead = true
			}
			l.departures.answered(r.exact[slot])
			rtt := roundTrip(r.sent[slot], read, re.kernel, re.stamped)
			if rtt > max(lateLimit, r.timeout) {
				break
			}
			again := r.settled[slot%len(r.targets)]
			if o, ok := r.answer(slot, rtt); ok {
				p.publish(r.id, o, again)
			}
			break
		}
	}
}
