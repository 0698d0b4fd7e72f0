package follower

import (
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Linked says how the node is linked, and where the others see the end of the log; nil while
// the plugin says nothing. The error says why the record could not be compared with it.
func (f *Follower) Linked(link *meshosv1.MeshLink) error {
	f.link = link
	b := link.GetBeacon()
	if b == nil {
		return nil
	}
	f.Said(b.GetHeight())
	return f.compare(b)
}

// compare compares the end of the others' log with the record. What the plugin says of it alone
// is no proof that the log forked, as a signed entry is: nothing is ordered from here while it
// differs, and what is folded goes on.
func (f *Follower) compare(b *meshosv1.MeshLink_Beacon) error {
	height := b.GetHeight()
	if height == 0 || height > f.state.Height() || f.frozen != "" {
		return nil
	}
	if !f.keeps(height) {
		f.differs = nil
		return nil
	}
	own, err := f.hashAt(height)
	if err != nil {
		return err
	}
	if len(b.GetHead()) != len(own) {
		return nil
	}
	theirs := own
	copy(theirs[:], b.GetHead())
	f.differs = nil
	if theirs != own {
		f.differs = &Fork{Height: height, Own: own, Theirs: theirs}
	}
	return nil
}

// WentBack reports whether the log of the others ends before the record does, and from which
// height on it is to be filled up.
func (f *Follower) WentBack() (from uint64, back bool) {
	b := f.link.GetBeacon()
	// A log that waits to be filled up says that it has no quorum.
	if _, member := f.state.Member(f.node); b == nil || !f.link.GetConnected() || !member || f.frozen != "" || f.differs != nil {
		return 0, false // without a beacon nobody knows where the log ends
	}
	// A record that begins later can't fill up what comes before: somebody else may, or the log is
	// to begin where it does.
	return b.GetHeight() + 1, b.GetHeight() < f.onDisk() && b.GetHeight()+1 >= f.first
}

// Fill returns what fills the log of the others up at a height; nil if the record ends before.
func (f *Follower) Fill(height uint64) (*pluginv1.OrderRequest, error) {
	if height > f.onDisk() {
		return nil, nil
	}
	e, err := f.read(height)
	if err != nil {
		return nil, err
	}
	hash, err := f.hashAt(height)
	if err != nil {
		return nil, err
	}
	return &pluginv1.OrderRequest{Entry: e.GetEntry(), Height: height, Id: hash[:], LogTime: e.GetLogTime()}, nil
}
