package statuslog

import (
	"cmp"
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/snapshot/shared"
	"github.com/meshos/meshos/internal/logkinds"
)

// healths are the kinds of transitions, in the order in which they are logged.
var healths = [...]struct {
	health mesh.NodeHealth
	level  slog.Level
	word   string
}{
	{mesh.HealthUnreachable, slog.LevelWarn, "unreachable"},
	{mesh.HealthDegraded, slog.LevelWarn, "degraded"},
	{mesh.HealthUnknown, slog.LevelInfo, "unknown"},
	{mesh.HealthHealthy, slog.LevelInfo, "healthy"},
}

// peers logs transitions of the health of peers: those of one time in one line, and no more
// than once within a while, so that an uplink that flaps fills no log. Peers that are back by
// then what they were are not named.
type peers struct {
	log    *slog.Logger
	now    func() time.Time
	last   time.Time      // when transitions were logged last
	logged snapshot.Peers // as they were then
}

func (p *peers) write(s *snapshot.Snapshot, atOnce bool) {
	if !atOnce && p.now().Sub(p.last) < logkinds.Window {
		return
	}
	changed := make(map[mesh.NodeHealth][]snapshot.Peer)
	for _, change := range shared.Changes(p.logged, s.Peers, func(a, b *snapshot.Peer) bool { return a.Health == b.Health }) {
		if change.New == nil || change.Old == nil && change.New.Health == mesh.HealthUnknown {
			continue
		}
		peer := *change.New
		peer.HealthReason = s.HealthReason(&peer)
		changed[peer.Health] = append(changed[peer.Health], peer)
	}
	p.logged = s.Peers
	if len(changed) == 0 {
		return
	}
	p.last = p.now()
	for _, h := range healths {
		p.transitions(h.level, h.word, changed[h.health])
	}
}

func (p *peers) transitions(level slog.Level, word string, changed []snapshot.Peer) {
	if len(changed) < many {
		for _, peer := range changed {
			attrs := []any{"peer", uint64(peer.Node)}
			if peer.Name != "" {
				attrs = append(attrs, "name", peer.Name)
			}
			if peer.HealthReason != "" {
				attrs = append(attrs, "reason", peer.HealthReason)
			}
			p.log.Log(context.Background(), level, "peer is "+word, attrs...)
		}
		return
	}
	var reasons logkinds.Tally
	var names []string
	for _, peer := range changed {
		reasons.Add(peer.HealthReason, 1)
		if len(names) < many-1 {
			names = append(names, cmp.Or(peer.Name, strconv.FormatUint(uint64(peer.Node), 10)))
		}
	}
	attrs := []any{"count", len(changed), "examples", strings.Join(names, ", ")}
	if text := reasons.String(); text != "" {
		attrs = append(attrs, "reasons", text)
	}
	p.log.Log(context.Background(), level, logkinds.Number(len(changed))+" peers are "+word, append(attrs, "all", "meshos status")...)
}
