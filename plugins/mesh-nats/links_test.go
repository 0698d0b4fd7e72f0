package main

import (
	"bytes"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

func TestAStrangerGetsNoLinkAndMayHandInAJoining(t *testing.T) {
	t.Parallel()
	w, all := founded(t, 1, 0)
	seed := all[0]
	stranger := w.add(7).start()
	hash := linkKey(seed.key()).hash()
	pinned := &pluginv1.SetMembersRequest{PinnedSeeds: [][]byte{hash[:]}}
	stranger.setMembers(pinned)
	w.until("the stranger is told why it has no link", func() bool {
		l := stranger.linkNow()
		return !l.GetConnected() && l.GetError() == "a seed refuses the link: this node's key is not that of a member"
	})
	if _, err := stranger.mesh.Join(t.Context(), &pluginv1.JoinRequest{Joining: []byte("my token and my keys")}); err != nil {
		t.Fatal(err)
	}
	w.until("the seed's host has it", func() bool {
		seed.mu.Lock()
		defer seed.mu.Unlock()
		return len(seed.joining) == 1 && bytes.Equal(seed.joining[0], []byte("my token and my keys"))
	})
	if stranger.linkNow().GetConnected() || len(stranger.record()) > 0 {
		t.Error("the stranger has a link")
	}
	// It becomes a member, and does not know that yet.
	members := &pluginv1.SetMembersRequest{Members: []*pluginv1.Member{seed.member(), stranger.member()}}
	seed.setMembers(members)
	w.same(1, seed, stranger)
}

func TestNobodyJoinsAtASeedThatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	w, all := founded(t, 1, 0)
	stranger := w.add(7).start()
	stranger.setMembers(&pluginv1.SetMembersRequest{PinnedSeeds: [][]byte{bytes.Repeat([]byte{1}, 32)}})
	_, err := stranger.mesh.Join(t.Context(), &pluginv1.JoinRequest{Joining: []byte("secret")})
	if status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
	all[0].mu.Lock()
	defer all[0].mu.Unlock()
	if len(all[0].joining) > 0 {
		t.Error("it was handed in")
	}
}

func TestAnExpelledNodeIsCutOff(t *testing.T) {
	t.Parallel()
	w, all := founded(t, 1, 2)
	seed, expelled, other := all[0], all[1], all[2]
	w.until("all are there", func() bool { return other.peer(2) != nil && !other.peer(2).GetLeft() })
	without := &pluginv1.SetMembersRequest{Members: []*pluginv1.Member{seed.member(), other.member()}}
	seed.setMembers(without)
	w.until("the link is cut", func() bool { return !expelled.linkNow().GetConnected() })
	w.until("the others hear that it is gone", func() bool { return other.peer(2).GetLeft() })
	if err := expelled.orderAt(t.Context(), 2, "still here"); status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
	if err := other.order(t.Context(), "without it"); err != nil {
		t.Fatal(err)
	}
	w.same(2, seed, other)
	if len(expelled.record()) != 1 {
		t.Error("it hears the log")
	}
}

// A seed that is expelled has links with nodes and with other seeds; all end.
func TestAnExpelledSeedIsCutOff(t *testing.T) {
	t.Parallel()
	w, all := founded(t, 3, 0)
	without := &pluginv1.SetMembersRequest{Members: []*pluginv1.Member{all[0].member(), all[1].member()}}
	for _, m := range all[:2] {
		m.setMembers(without)
	}
	w.until("it has no quorum", func() bool { return !all[2].linkNow().GetQuorum() })
	w.takesOrders(all[0], all[1])
	w.until("the others order", func() bool {
		return all[0].orderAt(t.Context(), 2, "without it") == nil
	})
	w.same(2, all[0], all[1])
	if len(all[2].record()) != 1 {
		t.Error("it hears the log")
	}
}
