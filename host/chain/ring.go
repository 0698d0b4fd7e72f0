package chain

import (
	"sort"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// marks holds a number for each chain of records: a seq, or a count.
type marks [mesh.ChainAction + 1]uint64

// allChains lists the chains in the order in which a batch takes them: what is
// rare and dear first, so that a flood of log lines never keeps it waiting.
func allChains() []mesh.RecordChain {
	return []mesh.RecordChain{mesh.ChainAudit, mesh.ChainFailure, mesh.ChainAction, mesh.ChainLog}
}

// ring is one ring of a snapshot, oldest first.
type ring struct {
	len    int
	seq    func(i int) uint64
	record func(i int) *meshosv1.Record
}

func ringOf(s *snapshot.Snapshot, c mesh.RecordChain) ring {
	from := wire.Origin{Node: s.Node, Epoch: s.Epoch}
	switch c {
	case mesh.ChainAudit:
		return ring{len(s.Audit), func(i int) uint64 { return s.Audit[i].Seq }, func(i int) *meshosv1.Record {
			return &meshosv1.Record{Kind: &meshosv1.Record_Audit{Audit: from.Audit(s.Audit[i], false)}}
		}}
	case mesh.ChainLog:
		return ring{len(s.Logs), func(i int) uint64 { return s.Logs[i].Seq }, func(i int) *meshosv1.Record {
			return &meshosv1.Record{Kind: &meshosv1.Record_Log{Log: from.Log(s.Logs[i], false)}}
		}}
	case mesh.ChainFailure:
		return ring{len(s.Failures), func(i int) uint64 { return s.Failures[i].Seq }, func(i int) *meshosv1.Record {
			return &meshosv1.Record{Kind: &meshosv1.Record_Failure{Failure: from.Failure(s.Failures[i], false)}}
		}}
	case mesh.ChainAction:
		return ring{len(s.Actions), func(i int) uint64 { return s.Actions[i].Seq }, func(i int) *meshosv1.Record {
			return &meshosv1.Record{Kind: &meshosv1.Record_Action{Action: from.Action(s.Actions[i])}}
		}}
	}
	return ring{}
}

// after gives the index of the first record above a seq, len for none.
func (r ring) after(seq uint64) int {
	return sort.Search(r.len, func(i int) bool { return r.seq(i) > seq })
}

// last is the seq of the newest record, 0 for none.
func (r ring) last() uint64 {
	if r.len == 0 {
		return 0
	}
	return r.seq(r.len - 1)
}
