package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
)

const (
	suspicious = 0.3              // this share of the sessions at once is rather a fault of this seed
	fillWithin = 30 * time.Second // the log waits so long to be filled up
	settle     = time.Second      // what is said of the log may come late by that
)

// sayToSeeds says to the other seeds what this one hears.
func (h *hub) sayToSeeds(now time.Time) {
	beat := &natsv1.SeedBeat{Leads: h.keeper.leads(), Ended: h.sessions.lately(now), Empty: h.empty(), First: h.members.Load().first}
	for id, other := range h.seeds {
		if now.Sub(other.heard) < seedLost {
			beat.Hears = append(beat.Hears, id)
		}
	}
	late, _ := h.sessions.overdue(now, h.cfg.session())
	beat.Ended = append(beat.Ended, late...)
	if beat.GetLeads() {
		beat.Log = h.logState(now, h.keeper.stored())
		beat.Log.Alarm = h.keeper.alarm()
	}
	h.say(subjectSeed(h.id), beat)
}

func (h *hub) hearSeed(now time.Time, id uint64, beat *natsv1.SeedBeat) {
	other := &otherSeed{heard: now, beat: beat, ended: map[uint64]bool{}}
	for _, node := range beat.GetEnded() {
		other.ended[node] = true
	}
	h.seeds[id] = other
	if beat.GetLeads() {
		h.keeper.hear(id, beat.GetLog(), now)
	}
}

// quorum reports whether a majority of the seeds hear each other, with one that leads the log:
// this one or another.
func (h *hub) quorum(now time.Time, led bool) bool {
	together := 1
	for _, other := range h.seeds {
		if now.Sub(other.heard) >= seedLost || !slices.Contains(other.beat.GetHears(), h.id) {
			continue
		}
		together++
		led = led || other.beat.GetLeads()
	}
	return led && together > len(h.cfg.Seeds)/2
}

// recordsBegin returns where a log may begin that lacks what is before: where the record of this
// seed's host does, or the records of a majority of the seeds. One other node is not believed.
func (h *hub) recordsBegin(now time.Time) uint64 {
	own := h.members.Load().first
	all := []uint64{own}
	for _, other := range h.seeds {
		if now.Sub(other.heard) < seedLost {
			all = append(all, other.beat.GetFirst())
		}
	}
	slices.Sort(all)
	slices.Reverse(all)
	if half := len(h.cfg.Seeds) / 2; half < len(all) {
		return max(own, all[half])
	}
	return own
}

// judge looks whether the log takes entries, and tells all at once if that changed.
func (h *hub) judge(now time.Time) {
	h.keeper.majority.Store(h.quorum(now, true))
	h.keeper.records.Store(h.recordsBegin(now))
	quorum := h.quorum(now, h.keeper.leads()) && h.keeper.end().known()
	state := &natsv1.LogState{Quorum: quorum, Alarm: h.alarm(now), Waits: h.waits(now)}
	before := h.state
	h.state = state
	if state.GetQuorum() == before.GetQuorum() && state.GetAlarm() == before.GetAlarm() && state.GetWaits() == before.GetWaits() {
		return
	}
	if state.GetQuorum() != before.GetQuorum() {
		if state.GetQuorum() {
			h.log.Info("the log takes orders")
		} else {
			h.log.Warn("the log takes no orders: too few seeds hear each other, or none leads yet")
		}
	}
	if state.GetAlarm() != "" && state.GetAlarm() != before.GetAlarm() {
		h.log.Warn(state.GetAlarm())
	}
	h.tell(now)
}

// waits returns why the log takes only what fills it up: somebody has more of it than it has
// itself, because it was lost or set back. One that claims so and does not fill it up does not
// hold the mesh up for ever.
func (h *hub) waits(now time.Time) string {
	end := h.keeper.end()
	if end.doubted(now) >= doubtAfter {
		return fmt.Sprintf("the leading seed says that the log ends before entry %d, which it had: it takes no orders until that is clear", end.height)
	}
	id, height := h.sessions.highest()
	has := end.height
	if height <= has || !end.known() {
		h.behind = time.Time{}
		return ""
	}
	if h.behind.IsZero() {
		h.behind = now
	}
	if since := now.Sub(h.behind); since < settle || since > fillWithin {
		return ""
	}
	return fmt.Sprintf("the log ends at entry %d, but %s has %d: it takes no orders until it is filled up", has, h.nameOf(id), height)
}

// alarm returns what operators should know of the seeds, or "".
func (h *hub) alarm(now time.Time) string {
	var parts []string
	if a := h.keeper.alarm(); a != "" {
		parts = append(parts, a)
	}
	for _, id := range h.sessions.twice(now.Add(-2 * h.cfg.session())) {
		parts = append(parts, fmt.Sprintf("two machines run as %s: neither can be believed until one of them is expelled", h.nameOf(id)))
	}
	if stuck := h.sayStuck(now); stuck != "" {
		parts = append(parts, stuck)
	}
	if h.doubted {
		parts = append(parts, fmt.Sprintf("%s hears many nodes no more, which no other seed confirms: it may be cut off itself", h.nameOf(h.id)))
	}
	return strings.Join(parts, "; ")
}

// sweep ends sessions that are overdue. If those are many at once, it is rather this seed that
// hears nobody: then another seed has to agree, or, with one seed, they get time for one more
// beat.
func (h *hub) sweep(now time.Time) {
	late, there := h.sessions.overdue(now, h.cfg.session())
	if len(late) < 2 || float64(len(late)) <= suspicious*float64(there) {
		h.doubted = false
		h.endSessions(now, late)
		return
	}
	if len(h.cfg.Seeds) == 1 {
		later, _ := h.sessions.overdue(now, h.cfg.session()+h.cfg.beatEvery()+settle)
		h.endSessions(now, later)
		return
	}
	agreed := slices.DeleteFunc(slices.Clone(late), func(id uint64) bool {
		for _, other := range h.seeds {
			if now.Sub(other.heard) < seedLost && other.ended[id] {
				return false
			}
		}
		return true
	})
	h.endSessions(now, agreed)
	h.doubted = len(agreed) < len(late)
}

func (h *hub) endSessions(now time.Time, ids []uint64) {
	h.sessions.end(now, ids...)
	for _, id := range ids {
		h.log.Info("not heard of for a session's length", "node", h.nameOf(id))
		h.changed(id)
	}
}
