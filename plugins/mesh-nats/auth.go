package main

import (
	"crypto/subtle"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// gate decides who links with a hub. NATS asks it for each certificate, and again once the
// other side has said what it is.
type gate struct {
	*node
	door
	srv *server.Server

	mu    sync.Mutex
	links map[uint64]linked // by NATS's number of the connection
}

// systemUser is who manages the cluster of seeds.
const systemUser = "system"

type linked struct {
	id      uint64
	key     linkKey
	address string
	since   time.Time
}

// settleLinks is how long NATS may take between asking the gate about a link and having it.
const settleLinks = 10 * time.Second

func newGate(n *node) *gate {
	return &gate{node: n, door: newDoor(), links: map[uint64]linked{}}
}

// checkLeaf is asked about the certificate of a node. A stranger may hand in what makes it a
// member; that is taken here, and Check refuses the link.
func (g *gate) checkLeaf(state tls.ConnectionState) error {
	key, err := keyOf(&state)
	if err != nil {
		return err
	}
	if joining := joiningOf(&state); joining != nil {
		return g.joins.offer(joining, time.Now())
	}
	if _, known := g.member(key); !known {
		return errNotMember
	}
	return nil
}

// checkRoute is asked about the certificate of a seed, or of another node that holds chains.
func (g *gate) checkRoute(state tls.ConnectionState) error {
	key, err := keyOf(&state)
	if err != nil {
		return err
	}
	if !g.members.Load().byKey[key].routed() {
		return errNotRouted
	}
	return nil
}

// member returns whose key it is. The seed's own counts before there are members.
func (g *gate) member(key linkKey) (member, bool) {
	m, known := g.members.Load().byKey[key]
	if !known && key == g.identity.key {
		return member{id: g.id, key: key}, true
	}
	return m, known
}

// Check implements server.Authentication, for leaves and for the client within the process.
func (g *gate) Check(c server.ClientAuthentication) bool {
	switch c.Kind() {
	case server.CLIENT:
		if g.own(c) {
			return true
		}
		if g.admits(c) {
			c.RegisterUser(&server.User{Username: "local", Account: g.srv.GlobalAccount(), Permissions: programs()})
			return true
		}
		if subtle.ConstantTimeCompare([]byte(c.GetOpts().Password), []byte(g.password)) == 0 {
			return false
		}
		if c.GetOpts().Username == systemUser {
			c.RegisterUser(&server.User{Username: systemUser, Account: g.srv.SystemAccount()})
		}
		return true
	case server.LEAF:
		return g.checkLink(c)
	}
	return false
}

func (g *gate) checkLink(c server.ClientAuthentication) bool {
	state := c.GetTLSConnectionState()
	key, err := keyOf(state)
	m, known := g.member(key)
	if err != nil || !known || joiningOf(state) != nil {
		return false
	}
	may := allowed(m.id)
	if c.GetOpts().Username == programsAccount {
		may = programs()
	}
	c.RegisterUser(&server.User{Username: g.nameOf(m.id), Account: g.srv.GlobalAccount(), Permissions: may})
	host, _, _ := net.SplitHostPort(c.RemoteAddress().String())
	g.mu.Lock()
	defer g.mu.Unlock()
	g.links[c.GetID()] = linked{id: m.id, key: key, address: host, since: time.Now()}
	return true
}

// routes is the gate's side towards other seeds.
type routes struct{ *gate }

// Check implements server.Authentication.
func (r routes) Check(c server.ClientAuthentication) bool {
	state := c.GetTLSConnectionState()
	return state != nil && r.checkRoute(*state) == nil
}

// addressOf returns where the link of a node comes from.
func (g *gate) addressOf(id uint64) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var last linked
	for _, l := range g.links {
		if l.id == id && l.since.After(last.since) {
			last = l
		}
	}
	return last.address
}

// cut ends the links of those who are not members any more, and forgets links that have ended.
// A link that NATS has not taken in yet is looked at again.
func (g *gate) cut(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for cid, l := range g.links {
		there := g.srv.GetLeafNode(cid) != nil
		if m, known := g.member(l.key); there && (!known || m.id != l.id) && g.srv.DisconnectClientByID(cid) == nil {
			g.log.Info("the link of a node that is no member any more is cut", "node", l.id)
			there = false
		}
		if !there && now.Sub(l.since) > settleLinks {
			delete(g.links, cid)
		}
	}
}
