package main

import (
	"context"
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
)

const (
	// advisories are what the engine announces of streams: of their leaders a few milliseconds after an
	// election, while a look at what this node holds comes every two seconds.
	advisories = "$JS.EVENT.ADVISORY.STREAM.*.*"
	// hintsApart is how much time is between two looks that hints led to.
	hintsApart = 200 * time.Millisecond
)

// hearAdvisory takes what the engine announces of a stream. It is a hint: what counts is what this
// node's own server says, a moment later.
func (h *holder) hearAdvisory(m *nats.Msg) {
	at := strings.LastIndexByte(m.Subject, '.')
	id := h.chainOf(m.Subject[at+1:])
	if id == 0 {
		return
	}
	if m.Subject[:at] == server.JSAdvisoryStreamLeaderElectedPre {
		var said server.JSStreamLeaderElectedAdvisory
		if json.Unmarshal(m.Data, &said) == nil && seedOf(said.Leader) != 0 {
			h.held.elected(id, said.Leader, time.Now())
		}
	}
	h.held.poke()
}

// chainOf returns the chain of a stream; 0 if it is none of the mesh.
func (h *holder) chainOf(stream string) uint64 {
	chains := h.members.Load().chains
	if id, err := strconv.ParseUint(strings.TrimPrefix(stream, "c"), 10, 64); err == nil && chains[id] != nil && streamOf(chains[id]) == stream {
		return id
	}
	for id, c := range chains {
		if streamOf(c) == stream {
			return id
		}
	}
	return 0
}

// elected takes who leads a chain from now on.
func (h *heldChains) elected(chain uint64, leader string, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, held := h.chains[chain]
	if !held {
		return
	}
	if h.elections == nil {
		h.elections = map[uint64]election{}
	}
	h.elections[chain] = election{leader, now}
	if i.Leader != leader {
		h.chains = maps.Clone(h.chains) // readers have the one before
		i.Leader = leader
		h.chains[chain] = i
		h.changed.raise()
	}
}

// sayEnd says that this node ends in order: the others count on it no longer.
func (h *holder) sayEnd() {
	h.say(subjectHolder(h.id), &natsv1.HolderBeat{Closed: true, Why: "it ends", Ends: true})
	_ = h.nc.FlushTimeout(leaveWithin)
}

// pause waits for the next beat, looks at what this node holds when there is a hint, and reports
// whether the run goes on.
func (h *holder) pause(ctx context.Context) bool {
	beat := time.NewTimer(holdEvery)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-beat.C:
			return true
		case <-h.held.hint():
			if !sleep(ctx, hintsApart) {
				return false
			}
			h.held.poked()
			if err := h.readOwn(); err != nil {
				h.log.Warn("what this node holds can't be read", "error", err)
			}
			h.follow()
		}
	}
}
