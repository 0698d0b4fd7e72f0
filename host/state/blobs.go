package state

import (
	"slices"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
)

type blob struct {
	marks.Set
	size    uint64
	holders []mesh.NodeID
}

func (s *State) blobAnnounced(ev mesh.BlobAnnouncement) {
	if ev.Added {
		b := s.blobs.ensure(ev.Blob)
		b.size = ev.SizeBytes
		if !slices.Contains(b.holders, ev.Holder) {
			b.holders = append(b.holders, ev.Holder)
		}
		return
	}
	s.dropBlob(ev.Blob, ev.Holder)
}

func (s *State) dropBlob(id mesh.BlobID, holder mesh.NodeID) {
	b := s.blobs.get(id)
	if b == nil || !slices.Contains(b.holders, holder) {
		return
	}
	s.blobs.touch(id, b)
	b.holders = slices.DeleteFunc(slices.Clone(b.holders), func(n mesh.NodeID) bool { return n == holder })
	if len(b.holders) == 0 {
		s.emptiedBlobs = append(s.emptiedBlobs, id)
	}
}

func (s *State) sweepBlobs() {
	for _, id := range s.emptiedBlobs {
		if b := s.blobs.get(id); b != nil && len(b.holders) == 0 {
			s.blobs.remove(id)
		}
	}
	s.emptiedBlobs = s.emptiedBlobs[:0]
}
