package api

import (
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// How many connections may be open at once. Those of root and of the node's own user are
// counted apart from all others, so that nobody else can take theirs. A process of a plugin
// counts as the plugin, whichever user it runs as.
const (
	maxOfOperator = 128 // of root, and of the node's own user, each
	maxOfUser     = 64  // of another user
	maxOfPlugin   = 16
	maxOfOthers   = 256 // of other users and plugins together

	// maxRefused is how many refused connections are kept open, and refusedFor for how long,
	// so that their first call gets an answer.
	maxRefused = 64
	refusedFor = 2 * time.Second
)

// ReasonTooMany is the reason in the google.rpc.ErrorInfo of calls that fail because their
// connection is one too many.
const ReasonTooMany = "TOO_MANY_CONNECTIONS"

// owner is whom connections are counted for.
type owner struct {
	uid    uint32
	plugin string // then uid is 0
}

func (o owner) String() string {
	if o.plugin != "" {
		return "plugin " + o.plugin
	}
	return fmt.Sprintf("uid %d", o.uid)
}

// connection is one connection of the service.
type connection struct {
	net.Conn

	all     *connections
	caller  Caller
	owner   owner
	refused error // the answer to all its calls; nil if it is served

	// Guarded by all.mu.
	calls int    // under way
	used  uint64 // when it was last used, in order
	gone  bool
	timer *time.Timer // ends a refused one
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.all.remove(c)
	return c.Conn.Close()
}

// connections are those of one service.
type connections struct {
	self uint32 // the node's own user

	mu     sync.Mutex
	open   map[*connection]struct{} // those that are served
	counts map[owner]int
	others int // of open: neither root's nor the node's own user's
	// refused are the refused ones, oldest first.
	refused []*connection
	uses    uint64
}

func newConnections() *connections {
	return &connections{self: uint32(os.Getuid()), open: make(map[*connection]struct{}), counts: make(map[owner]int)}
}

// add admits a connection, or sets why its calls are refused. It closes a connection that
// has no call under way, if this one needs its slot.
func (a *connections) add(c *connection) {
	c.all = a
	c.owner = owner{uid: c.caller.UID}
	if c.caller.Plugin != "" {
		c.owner = owner{plugin: c.caller.Plugin}
	}
	a.mu.Lock()
	var drop *connection
	if c.refused == nil {
		drop, c.refused = a.slot(c)
	}
	if drop != nil {
		a.forget(drop)
	}
	if c.refused == nil {
		a.open[c] = struct{}{}
		a.counts[c.owner]++
		if !a.operator(c.owner) {
			a.others++
		}
	} else {
		if len(a.refused) >= maxRefused {
			drop = a.refused[0]
			a.forget(drop)
		}
		a.refused = append(a.refused, c)
		c.timer = time.AfterFunc(refusedFor, func() { _ = c.Close() })
	}
	a.use(c)
	a.mu.Unlock()
	if drop != nil {
		_ = drop.Conn.Close()
	}
}

func (a *connections) operator(o owner) bool {
	return o.plugin == "" && (o.uid == 0 || o.uid == a.self)
}

// slot returns the connection whose slot a new one gets, nil if one is free, or why there
// is none.
func (a *connections) slot(c *connection) (*connection, error) {
	limit := maxOfUser
	switch {
	case c.owner.plugin != "":
		limit = maxOfPlugin
	case a.operator(c.owner):
		limit = maxOfOperator
	}
	if a.counts[c.owner] >= limit {
		if idle := a.idle(func(o owner) bool { return o == c.owner }); idle != nil {
			return idle, nil
		}
		return nil, tooMany("%s has %d connections with calls under way, and may have no more", c.owner, limit)
	}
	if a.operator(c.owner) || a.others < maxOfOthers {
		return nil, nil
	}
	// Whoever has most gives one away.
	var most owner
	for o, n := range a.counts {
		if !a.operator(o) && n > a.counts[most] && a.idle(func(other owner) bool { return other == o }) != nil {
			most = o
		}
	}
	if idle := a.idle(func(o owner) bool { return o == most }); idle != nil && !a.operator(most) {
		return idle, nil
	}
	return nil, tooMany("there are %d connections of other users with calls under way, and may be no more", maxOfOthers)
}

// idle returns the connection of an owner that has had no call for longest, nil if all
// have one under way.
func (a *connections) idle(of func(owner) bool) (oldest *connection) {
	for c := range a.open {
		if c.calls == 0 && of(c.owner) && (oldest == nil || c.used < oldest.used) {
			oldest = c
		}
	}
	return oldest
}

func tooMany(format string, args ...any) error {
	answer := status.Newf(codes.ResourceExhausted, "too many connections: "+format, args...)
	if detailed, err := answer.WithDetails(&errdetails.ErrorInfo{Reason: ReasonTooMany, Domain: "meshos"}); err == nil {
		answer = detailed
	}
	return answer.Err()
}

func (a *connections) remove(c *connection) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget(c)
}

// forget takes a connection out of the count.
func (a *connections) forget(c *connection) {
	if c.gone {
		return
	}
	c.gone = true
	if c.refused != nil {
		c.timer.Stop()
		for i, r := range a.refused {
			if r == c {
				a.refused = append(a.refused[:i], a.refused[i+1:]...)
				break
			}
		}
		return
	}
	delete(a.open, c)
	if a.counts[c.owner]--; a.counts[c.owner] == 0 {
		delete(a.counts, c.owner)
	}
	if !a.operator(c.owner) {
		a.others--
	}
}

func (a *connections) use(c *connection) {
	a.uses++
	c.used = a.uses
}

// begin and end count the calls of a connection that are under way.
func (c *connection) begin() { c.count(1) }
func (c *connection) end()   { c.count(-1) }

func (c *connection) count(n int) {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	c.calls += n
	c.all.use(c)
}
