package intake

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// Origin is the way by which a signed command came. Each has its own limit of
// signatures that are verified, so that one can't use up the other's.
type Origin string

// The origins of commands.
const (
	FromAPI     Origin = "api"
	FromPlugins Origin = "plugins"
)

// Source is somebody who brings events and commands.
type Source struct {
	// Name is the source's name in records: "api", "event_source:NAME" …
	Name string
	// Lines says in the node's log who says the lines that the source brings: "api",
	// "plugin:NAME". Sources with the same name share one budget of lines.
	Lines  string
	Origin Origin
	// Grant is what a plugin may bring; nil for everything.
	Grant *Grant
}

// API is the source of everybody who has access to the node's socket.
func API() Source { return Source{Name: "api", Lines: "api", Origin: FromAPI} }

// Facts is the name of everything that is not an order, in the events of a plugin's
// entry.
const Facts = "facts"

// Grant is which events a plugin may bring unsigned.
type Grant struct{ events []string }

// NewGrant returns the grant of an entry: its names are Facts and those of the contract's
// events. Without any it is Facts.
func NewGrant(events []string) *Grant {
	if len(events) == 0 {
		events = []string{Facts}
	}
	return &Grant{events}
}

// has reports whether the grant covers an event. The name of a kind covers what is an
// order among its events, too.
func (g *Grant) has(kind string, order bool) bool {
	if g == nil {
		return true
	}
	return !order && slices.Contains(g.events, Facts) || slices.Contains(g.events, kind)
}

// refuse returns the verdict on an event that the source may not bring.
func (s Source) refuse(ev mesh.Event, order bool) (verdict mesh.Verification, refused bool) {
	kind := mesh.EventKind(ev)
	if s.Grant.has(kind, order) {
		return mesh.Verification{}, false
	}
	return mesh.Verification{
		Verdict: mesh.VerdictRejected, Kind: mesh.RejectNotGranted,
		Message: "the plugin may not bring " + kind + ": its entry in meshos.toml would have to name it in events, which takes a restart of the node",
	}, true
}
