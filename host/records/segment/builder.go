package segment

import "crypto/sha256"

func hashOf(b []byte) Hash { return sha256.Sum256(b) }

// Builder builds the bytes of a file that grows. It is a value: keep a copy (Mark) to go back
// to if the bytes could not be written.
type Builder struct {
	End    End
	Footer Footer
}

// End is a place between two frames.
type End struct {
	Offset int64
	Hash   Hash   // what the next frame links to
	Next   uint64 // number of the next entry in the chain
	Sealed bool
}

// Begin returns the builder of a new file and the bytes of its header.
func Begin(h Header) (b Builder, header []byte, err error) {
	header, hash, err := h.encode()
	if err != nil {
		return Builder{}, nil, err
	}
	return Builder{End: End{Offset: HeaderSize, Hash: hash, Next: h.First}}, header, nil
}

// Append appends the frame of an entry to dst. An error leaves dst and b as they were.
func (b *Builder) Append(dst []byte, e Entry) ([]byte, error) {
	payload := e.encode(make([]byte, 0, entryHead+8+len(e.Data)))
	out, hash, err := appendFrame(dst, b.End.Hash, e.Kind, payload)
	if err != nil {
		return dst, err
	}
	b.End.Offset += int64(len(out) - len(dst))
	b.End.Hash = hash
	b.Footer.add(b.End.Next, e)
	b.End.Next++
	return out, nil
}

// Seal appends the footer of a file that gets no more entries.
func (b *Builder) Seal(dst []byte) ([]byte, error) {
	before := len(dst)
	out, hash, err := appendFrame(dst, b.End.Hash, KindFooter, b.Footer.encode())
	if err != nil {
		return dst, err
	}
	out = append(out, trailer(len(out)-before)...)
	b.End.Offset += int64(len(out) - before)
	b.End.Hash, b.End.Sealed = hash, true
	return out, nil
}

// Mark returns a copy that later appends to b do not change.
func (b *Builder) Mark() Builder {
	m := *b
	m.Footer.Runs = append([]Run(nil), b.Footer.Runs...)
	return m
}
