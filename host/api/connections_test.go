package api

import (
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// table adds connections that are not real.
type table struct {
	t *testing.T
	*connections
}

func newTable(t *testing.T) table {
	c := newConnections()
	c.self = 1000
	return table{t, c}
}

func (a table) from(uid uint32, plugin string) *connection {
	near, far := net.Pipe()
	a.t.Cleanup(func() {
		_ = near.Close()
		_ = far.Close()
	})
	c := &connection{Conn: near, caller: Caller{UID: uid, Plugin: plugin}}
	a.add(c)
	a.t.Cleanup(func() { _ = c.Close() })
	return c
}

// fill opens busy connections until one is refused, and returns how many there were.
func (a table) fill(uid uint32, plugin string) int {
	for n := range 10_000 {
		c := a.from(uid, plugin)
		if c.refused != nil {
			return n
		}
		c.begin()
	}
	a.t.Fatal("there is no bound")
	return 0
}

func TestConnectionsAreBoundedForEachUserAndPlugin(t *testing.T) {
	a := newTable(t)
	for _, c := range []struct {
		uid    uint32
		plugin string
		want   int
	}{
		{1001, "", maxOfUser},
		{1002, "", maxOfUser},
		{1000, "p", maxOfPlugin},
		{0, "q", maxOfPlugin},
		{1003, "", maxOfUser},
		{1004, "", maxOfOthers - 3*maxOfUser - 2*maxOfPlugin},
		{1005, "", 0},
		// Whatever the others do, these get theirs.
		{1000, "", maxOfOperator},
		{0, "", maxOfOperator},
	} {
		if got := a.fill(c.uid, c.plugin); got != c.want {
			t.Errorf("uid %d, plugin %q: %d connections, want %d", c.uid, c.plugin, got, c.want)
		}
	}
}

func TestARefusalSaysWhoHasTooMany(t *testing.T) {
	a := newTable(t)
	a.fill(1000, "p")
	err := a.from(1000, "p").refused
	if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "too many connections: plugin p has 16 connections") {
		t.Error(err)
	}
	if n := len(a.refused); n > maxRefused {
		t.Errorf("%d refused ones are open", n)
	}
}

func TestTheConnectionWithoutACallForLongestGoesFirst(t *testing.T) {
	a := newTable(t)
	busy, first, second := a.from(1000, ""), a.from(1000, ""), a.from(1000, "")
	busy.begin()
	first.begin()
	first.end() // so second is idle for longer
	for range maxOfOperator - 3 {
		a.from(1000, "").begin()
	}
	for i, want := range []*connection{second, first} {
		if c := a.from(1000, ""); c.refused != nil {
			t.Fatalf("number %d was refused: %v", i, c.refused)
		} else {
			c.begin()
		}
		if !want.gone || busy.gone {
			t.Errorf("number %d: another one was closed", i)
		}
	}
	if c := a.from(1000, ""); c.refused == nil {
		t.Error("a connection with a call under way was closed")
	}
	busy.end()
	if c := a.from(1000, ""); c.refused != nil || !busy.gone {
		t.Errorf("when one call has ended: %v", c.refused)
	}
}

// A user who opens hundreds takes idle ones from himself, and from those who have most.
func TestOthersTakeIdleConnectionsOfWhomHasMost(t *testing.T) {
	a := newTable(t)
	small := a.from(2000, "")
	for uid := range uint32(4) {
		for range maxOfUser {
			a.from(3000+uid, "")
		}
	}
	a.from(2001, "")
	if small.gone || a.others != maxOfOthers || a.counts[owner{uid: 2001}] != 1 {
		t.Errorf("the only one of a user was closed: %v, %d others", small.gone, a.others)
	}
}

func TestRefusedConnectionsAreBoundedAndTheOldestGoesFirst(t *testing.T) {
	a := newTable(t)
	a.fill(1001, "")
	first := a.from(1001, "")
	for range 10 * maxRefused {
		a.from(1001, "")
	}
	if len(a.refused) != maxRefused || !first.gone {
		t.Errorf("%d refused ones are open", len(a.refused))
	}
}
