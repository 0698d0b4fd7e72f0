package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// stuckAfter is for how long the log has no leader until this seed starts anew: elections take up
// to nine seconds.
const stuckAfter = 20 * time.Second

// errOutvoted ends a hub that starts again with an empty store.
var errOutvoted = errors.New("most seeds have lost their stores, so that none can lead the log; it is made anew")

// empty reports whether this seed began with an empty store, and has nothing of the log yet.
func (h *hub) empty() bool {
	h.fresh = h.fresh && h.stored() == 0
	return h.fresh
}

// stored returns up to which height this seed's own store has the log.
func (h *hub) stored() uint64 {
	z, err := h.srv.Jsz(&server.JSzOptions{Accounts: true, Streams: true})
	if err != nil {
		return 0
	}
	for _, account := range z.AccountDetails {
		for _, s := range account.Streams {
			if s.Name == stream {
				return s.State.LastSeq
			}
		}
	}
	return 0
}

// lookForLeader notes since when the log can have no leader any more. A seed whose store was
// lost has no say until it has the log again from a leader. If that holds for most of them, none
// can be elected, however long the rest waits: the engine can't know that it was not the rest
// that is wrong. The nodes' records have all that the log had, and fill up an empty one. leads
// reports whether this seed leads the log.
func (h *hub) lookForLeader(now time.Time, leads bool) {
	heard, empty := 1, 0
	for _, other := range h.seeds {
		if now.Sub(other.heard) >= seedLost || !slices.Contains(other.beat.GetHears(), h.id) {
			continue
		}
		heard++
		leads = leads || other.beat.GetLeads()
		if other.beat.GetEmpty() {
			empty++
		}
	}
	switch seeds := len(h.cfg.Seeds); {
	case leads || heard < seeds || h.empty() || empty <= seeds/2:
		h.stuck = time.Time{}
	case h.stuck.IsZero():
		h.stuck = now
	}
}

// recorded reports whether somebody who is heard has a record of as much of the log as this
// seed knows of.
func (h *hub) recorded() bool {
	_, height := h.sessions.highest()
	return height > 0 && height >= h.keeper.end().height
}

func (h *hub) sayStuck(now time.Time) string {
	switch {
	case h.stuck.IsZero() || now.Sub(h.stuck) < stuckAfter/4:
		return ""
	case h.recorded():
		return "most seeds have lost their stores, so that none can lead the log: it is about to be made anew from the nodes' records"
	default:
		return fmt.Sprintf("most seeds have lost their stores, so that none can lead the log, and no node that is heard has a record of all %d entries: start one that does", h.keeper.end().height)
	}
}

// leaveStuck returns errOutvoted if the log can be made anew, and is to be.
func (h *hub) leaveStuck(now time.Time) error {
	if h.stuck.IsZero() || now.Sub(h.stuck) < stuckAfter || !h.recorded() {
		return nil
	}
	h.outvoted.Store(true)
	return errOutvoted
}
