package view

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Page is what a status shows.
type Page struct {
	Snapshot *meshosv1.Snapshot
	Now      time.Time // against which the snapshot's age is shown
	// Earlier are audit records from before those of the snapshot, for who ordered what.
	Earlier []*meshosv1.AdminAuditRecord
	Filter  Filter

	lined *bool // the last section was one line
}

// Filter chooses what a status shows. The zero value shows what is wrong, and counts the
// rest.
type Filter struct {
	All       bool     // everything
	Unhealthy bool     // nothing but what is wrong
	Peers     []uint64 // nothing but these peers,
	Daemons   []uint64 // and these daemons
}

// some reports whether only some peers or daemons are chosen.
func (f Filter) some() bool { return len(f.Peers)+len(f.Daemons) > 0 }

// Filtered returns a snapshot with only what the filter chooses, for programs.
func (f Filter) Filtered(s *meshosv1.Snapshot) *meshosv1.Snapshot {
	if !f.Unhealthy && !f.some() {
		return s
	}
	out := proto.CloneOf(s)
	out.Peers = slices.DeleteFunc(out.GetPeers(), func(p *meshosv1.PeerView) bool {
		return f.some() && !slices.Contains(f.Peers, p.GetPeer()) || f.Unhealthy && !peerBad(p)
	})
	out.Daemons = slices.DeleteFunc(out.GetDaemons(), func(d *meshosv1.DaemonView) bool {
		word, _ := daemonBad(d)
		return f.some() && !slices.Contains(f.Daemons, d.GetDaemon().GetId()) || f.Unhealthy && word == ""
	})
	if f.Unhealthy || f.some() {
		out.Plugins = slices.DeleteFunc(out.GetPlugins(), func(p *meshosv1.PluginView) bool {
			word, _ := pluginBad(p)
			return f.some() || word == ""
		})
	}
	return out
}
