package main

import (
	"time"

	"github.com/meshos/meshos/pluginsdk"
)

// result is the outcome of a peer in the last round that was settled for it, and what
// became of its last echoes.
type result struct {
	round      uint32
	target     target
	rtt        time.Duration // median of the last round with an answer in time; 0 if there is none
	answered   int           // echoes of the last round that were answered in time
	nothing    bool          // nothing of the last round was sent
	unanswered uint32        // rounds since a reply came in which echoes were sent
	failing    uint32        // the round since which nothing came back, or nothing was sent; 0: the last one was answered
	late       time.Duration // median of the last round with nothing but late answers
	lateRound  uint32        // that round; 0 if an answer in time came since
	history    history

	why   string    // what an ICMP error said last
	whyAt time.Time // when; zero if a reply came since
}

// settle takes over an outcome of a round: the first one, or (again) a later one because of a
// reply that came after the round was settled. An outcome that comes after that of a later
// round counts for loss, jitter and late answers alone.
func (r *result) settle(id uint32, o outcome, again bool) {
	r.history.put(id, o.echoes)
	if o.answered+o.late > 0 {
		r.unanswered, r.failing, r.whyAt = 0, 0, time.Time{} // whichever round it was: a reply came
	} else if r.failing == 0 && !again {
		r.failing = id
	}
	if o.answered == 0 && o.late > 0 && id >= r.lateRound {
		r.late, r.lateRound = o.rtt, id
	}
	if id < r.round {
		return
	}
	r.round, r.target, r.answered = id, o.target, o.answered
	r.rtt, r.nothing = 0, o.unsent == len(o.echoes)
	switch {
	case o.answered > 0:
		r.rtt, r.lateRound = o.rtt, 0
	case o.late == 0 && !r.nothing && !again:
		r.unanswered++
	}
}

// sample returns what the result says. With a round or two still on their way, a peer whose
// answers are all late has the time of the last of them.
func (r *result) sample(timeout time.Duration, refused string, now time.Time) pluginsdk.RTTSample {
	c := r.history.summary(timeout)
	out := pluginsdk.RTTSample{
		Peer: r.target.peer, RTT: r.rtt, Round: uint64(r.round), Unanswered: r.unanswered,
		Sent: c.sent, Received: c.received, Late: c.late, Jitter: c.jitter,
		Family: pluginsdk.FamilyOf(r.target.addr),
	}
	switch {
	case r.answered > 0:
	case r.nothing:
		out.NoAnswer, out.Reason = pluginsdk.NoAnswerNotSent, notSent
		if refused != "" {
			out.Reason += ": " + refused
		}
	case r.lateRound > 0 && r.unanswered <= 1:
		out.RTT, out.Reason = r.late, "answers come later than the timeout of "+timeout.String()
	case now.Sub(r.whyAt) < lateLimit:
		out.NoAnswer, out.Reason = pluginsdk.NoAnswerUnreachable, "unreachable: "+r.why
	default:
		out.NoAnswer, out.Reason = pluginsdk.NoAnswerTimedOut, timedOut
	}
	return out
}

// Why a peer has no round-trip time, in words.
const (
	timedOut = "timed out"
	notSent  = "not sent"
)
