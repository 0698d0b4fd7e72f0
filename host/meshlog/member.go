package meshlog

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/mesh"
)

// memberName is the file of what a member needs to fetch the log anew: to which mesh it belongs,
// and whose links it trusts. A record that has lost its beginning says neither.
const memberName = "member"

// tokenAgain returns what a member needs to fetch the log anew.
func tokenAgain(s *cluster.State, node mesh.NodeID, seeds []string, now time.Time) Token {
	t := Token{Cluster: s.Cluster(), Node: node, Founding: s.Founding(), Seeds: seeds, Again: true, Expires: now}
	for _, m := range s.Members() {
		if m.Seed {
			pin := sha256.Sum256(m.LinkKey[:])
			t.Pins = append(t.Pins, pin[:])
		}
	}
	return t
}

// keepMember keeps what the node needs to fetch the log anew, if it is a member and that
// changed. It is not called by two at a time.
func (l *Log) keepMember() {
	l.mu.Lock()
	_, member := l.state.Member(l.opts.Node)
	t := tokenAgain(l.state, l.opts.Node, nil, time.Time{})
	l.mu.Unlock()
	raw, err := t.encode()
	if !member || err == nil && bytes.Equal(raw, l.kept) {
		return
	}
	if err == nil {
		err = storeToken(l.opts.DataDir, memberName, t)
	}
	if err != nil {
		l.once("member", fmt.Sprintf("what this node needs to fetch a damaged log of the mesh anew can't be kept: %v", err))
		return
	}
	l.kept = raw
}

// recallMember has a node whose record has no beginning any more fetch the log anew, if it was a
// member.
func (l *Log) recallMember(member *Token) {
	if member == nil || l.joining != nil || l.state.Height() > 0 {
		return
	}
	l.joining = member
	l.follower.Expect(member.Founding)
	l.notes = append(l.notes, "the record has lost its beginning; all of it is fetched from the mesh again")
}
