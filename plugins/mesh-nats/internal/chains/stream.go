package chains

import (
	"slices"
	"time"
)

// Info is how a stream is, as its leader says.
type Info struct {
	Leader   string   // name of a server; "": none is known
	Replicas int      // that the configuration asks for
	Tags     []string // that its placement asks for
	Peers    []Peer   // who holds it, the leader too
	Changing bool     // a change was recorded and is not done
	Desired  []string // who holds it once that is done
	// Revertible says that the engine itself can take the change back: it remembers what was
	// before for changes of the configuration, and not for swaps.
	Revertible bool
	Phase      string // what the engine says it waits for: "catchup"
	Bytes      uint64
	First      uint64 // number of the first message
	Last       uint64 // number of the last message
	Messages   uint64
	Lost       bool // the server that answers has lost messages
}

// Peer is a server that holds a stream, or is about to.
type Peer struct {
	Name    string
	Current bool // it has all that the leader has
	Offline bool
	Pending bool          // assigned, and not a member yet, or not any more
	Active  time.Duration // since it was heard of
	Lag     uint64        // entries that it lacks
}

// Holds reports whether a server holds the stream, in whatever state.
func (i Info) Holds(server string) bool {
	return slices.ContainsFunc(i.Peers, func(p Peer) bool { return p.Name == server && !p.Pending })
}

// peer returns what is known of a server that holds the stream, or is about to.
func (i Info) peer(server string) (Peer, bool) {
	at := slices.IndexFunc(i.Peers, func(p Peer) bool { return p.Name == server })
	if at < 0 {
		return Peer{}, false
	}
	return i.Peers[at], true
}

// ready reports whether a server holds all of the stream and is there.
func (i Info) ready(server string) bool {
	p, known := i.peer(server)
	return known && p.Current && !p.Offline && !p.Pending
}

// names returns who holds the stream, sorted.
func (i Info) names() []string {
	var out []string
	for _, p := range i.Peers {
		if !p.Pending {
			out = append(out, p.Name)
		}
	}
	slices.Sort(out)
	return out
}

// wants reports whether the change under way leads to a server's holding the stream.
func (i Info) wants(server string) bool { return slices.Contains(i.Desired, server) }

// lag returns how many entries servers lack together.
func (i Info) lag(servers []string) (lag uint64) {
	for _, p := range i.Peers {
		if slices.Contains(servers, p.Name) {
			lag += p.Lag
		}
	}
	return lag
}

// coming returns who is to hold the stream and does not yet.
func (i Info) coming() (out []string) {
	for _, d := range i.Desired {
		if !i.Holds(d) {
			out = append(out, d)
		}
	}
	return out
}

// going returns who holds the stream and is not to, or "".
func (i Info) going() string {
	for _, name := range i.names() {
		if len(i.Desired) > 0 && !i.wants(name) {
			return name
		}
	}
	return ""
}
