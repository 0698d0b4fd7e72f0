package records

import (
	"fmt"
	"sort"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/segment"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// perChain holds a value for each chain of records.
type perChain[T any] [mesh.ChainAction + 1]T

// allChains returns the chains in the order in which they are written and batched: rare and
// precious ones first, so that a flood of log lines never delays them.
func allChains() []mesh.RecordChain {
	return []mesh.RecordChain{mesh.ChainAudit, mesh.ChainFailure, mesh.ChainAction, mesh.ChainLog}
}

// ring is one ring of a snapshot, oldest first.
type ring struct {
	len    int
	seq    func(i int) uint64
	wall   func(i int) time.Time
	record func(i int) *meshosv1.Record
}

func ringOf(s *snapshot.Snapshot, c mesh.RecordChain) ring {
	from := wire.Origin{Node: s.Node, Epoch: s.Epoch}
	switch c {
	case mesh.ChainAudit:
		return ring{
			len(s.Audit), func(i int) uint64 { return s.Audit[i].Seq }, func(i int) time.Time { return s.Audit[i].Wall },
			func(i int) *meshosv1.Record {
				return &meshosv1.Record{Kind: &meshosv1.Record_Audit{Audit: from.Audit(s.Audit[i], false)}}
			},
		}
	case mesh.ChainLog:
		return ring{
			len(s.Logs), func(i int) uint64 { return s.Logs[i].Seq }, func(i int) time.Time { return s.Logs[i].Wall },
			func(i int) *meshosv1.Record {
				line := from.Log(s.Logs[i], false)
				line.Output = wire.OutputPlace(s.Logs[i].Output)
				return &meshosv1.Record{Kind: &meshosv1.Record_Log{Log: line}}
			},
		}
	case mesh.ChainFailure:
		return ring{
			len(s.Failures), func(i int) uint64 { return s.Failures[i].Seq }, func(i int) time.Time { return s.Failures[i].Wall },
			func(i int) *meshosv1.Record {
				return &meshosv1.Record{Kind: &meshosv1.Record_Failure{Failure: from.Failure(s.Failures[i], false)}}
			},
		}
	case mesh.ChainAction:
		return ring{
			len(s.Actions), func(i int) uint64 { return s.Actions[i].Seq }, func(i int) time.Time { return s.Actions[i].Wall },
			func(i int) *meshosv1.Record {
				return &meshosv1.Record{Kind: &meshosv1.Record_Action{Action: from.Action(s.Actions[i])}}
			},
		}
	}
	return ring{}
}

// after returns the index of the first record above a seq, len for none.
func (r ring) after(seq uint64) int {
	return sort.Search(r.len, func(i int) bool { return r.seq(i) > seq })
}

// group is what one snapshot adds to one chain.
type group struct {
	n       int    // entries
	through uint64 // seq of the last
	lost    []span // records that left the ring before they were read
	large   []span // records that are too large for a call
	refused int64  // bytes of the audit records of refusals
	// output is how far the output of daemons is recorded with it.
	output map[mesh.DaemonID]mesh.OutputPlace
}

// span is a range of seqs.
type span struct{ first, last uint64 }

func (s span) len() uint64 { return s.last - s.first + 1 }

// newGroup reads the records of a ring above a seq. Where records are missing it puts a gap.
func newGroup(s *snapshot.Snapshot, c mesh.RecordChain, after uint64, now time.Time) (g group, entries []segment.Entry, err error) {
	g = group{through: after}
	r := ringOf(s, c)
	for i := r.after(after); i < r.len; i++ {
		seq := r.seq(i)
		if seq > g.through+1 {
			missing := span{g.through + 1, seq - 1}
			g.lost = append(g.lost, missing)
			entries = append(entries, gapOf(s.Epoch, missing, now))
		}
		g.through = seq
		if c == mesh.ChainLog {
			g.printed(s.Logs[i])
		}
		data, err := proto.MarshalOptions{Deterministic: true}.Marshal(r.record(i))
		if err != nil {
			return group{}, nil, fmt.Errorf("encode %s record %d: %w", c, seq, err)
		}
		if len(data) > maxRecord {
			g.large = append(g.large, span{seq, seq})
			entries = append(entries, gapOf(s.Epoch, span{seq, seq}, now))
			continue
		}
		if c == mesh.ChainAudit && s.Audit[i].Refusal != nil {
			g.refused += int64(len(data)) + frame
		}
		entries = append(entries, segment.Entry{Kind: segment.KindRecord, Epoch: s.Epoch, Seq: seq, Wall: r.wall(i), Data: data})
	}
	g.n = len(entries)
	return g, entries, nil
}

func (g *group) printed(l mesh.LogRecord) {
	if l.Output == (mesh.OutputPlace{}) {
		return
	}
	if g.output == nil {
		g.output = make(map[mesh.DaemonID]mesh.OutputPlace)
	}
	g.output[l.Daemon] = l.Output
}

func gapOf(epoch uint64, missing span, now time.Time) segment.Entry {
	return segment.Entry{Kind: segment.KindGap, Epoch: epoch, Seq: missing.last, Missing: missing.len(), Wall: now}
}
