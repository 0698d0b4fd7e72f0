package main

import "time"

const (
	// departuresOpen is how many echoes may wait for the timestamp of their departure. It
	// comes with the return of the call that sends them, or within the time that they wait in
	// a queue of the machine.
	departuresOpen = 1024
	// closeEchoes is how many echoes are sent one by one after one without a timestamp was
	// answered: the interface that it left by has none, and then the time of the call counts.
	closeEchoes = 1024
)

// departures finds the echoes that the kernel's timestamps of packets that left belong to. The
// kernel numbers the packets of a socket.
type departures struct {
	on    bool   // there are timestamps
	next  uint32 // the number of the next packet
	close int    // how many echoes are still to be sent one by one
	open  []departure
}

// departure is an echo that was sent and whose timestamp is to come.
type departure struct {
	round  *round // nil: none
	slot   int
	before time.Time // of the call that sent it
}

func newDepartures() departures {
	return departures{on: true, open: make([]departure, departuresOpen)}
}

// batch returns how many echoes may be sent in one call.
func (d *departures) batch() int {
	if !d.on || d.close > 0 {
		return 1
	}
	return sendBatch
}

// sent stores the next packet of the socket.
func (d *departures) sent(r *round, slot int, before time.Time) {
	if !d.on {
		return
	}
	d.open[d.next%departuresOpen] = departure{r, slot, before}
	d.next++
	d.close = max(d.close-1, 0)
}

// stamp corrects the time at which a packet was sent. now is a time at which it had left.
// A timestamp that is not between the call and then is that of another packet, or the clock
// was stepped.
func (d *departures) stamp(number uint32, kernel, now time.Time) {
	if d.next-number-1 >= departuresOpen {
		return
	}
	p := &d.open[number%departuresOpen]
	// kernel has no monotonic reading, so this compares wall-clock times.
	if took := kernel.Sub(p.before); p.round != nil && took >= 0 && took <= now.Sub(p.before) {
		p.round.correct(p.slot, p.before.Add(took))
	}
	*p = departure{}
}

// answered is told whether an echo that was answered had a timestamp by then.
func (d *departures) answered(stamped bool) {
	if !stamped {
		d.close = closeEchoes
	}
}

// lost begins anew after a packet was not sent: kernels differ in whether they numbered it.
// restart lets the kernel begin anew, and reports whether it could.
func (d *departures) lost(restart func() bool) {
	if d.on {
		clear(d.open)
		d.next, d.on = 0, restart()
	}
}
