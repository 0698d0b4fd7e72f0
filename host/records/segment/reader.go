package segment

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// Reader reads the entries of one file in order and returns nothing that it did not check.
// Its memory is bounded by the largest record.
type Reader struct {
	name   string
	at     io.ReaderAt
	size   int64 // it reads no further
	in     *bufio.Reader
	frame  []byte
	header Header
	b      Builder
}

const readAhead = 256 << 10

// NewReader reads a file's header. The reader stops at size, which is the size of the file or
// the offset of an End. Name is for errors. If the header is not valid the error is a
// *DamageError.
func NewReader(name string, at io.ReaderAt, size int64) (*Reader, error) {
	r := &Reader{name: name, at: at, size: size}
	raw := make([]byte, min(size, HeaderSize))
	if _, err := at.ReadAt(raw, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	h, hash, err := decodeHeader(raw)
	if err != nil {
		torn := size < HeaderSize || zeros(at, 0, size)
		return nil, &DamageError{File: name, Torn: torn, Cause: err}
	}
	r.header = h
	r.b.End = End{Offset: HeaderSize, Hash: hash, Next: h.First}
	r.in = buffered(at, HeaderSize, size)
	return r, nil
}

// Resume returns a reader that goes on at the End of an earlier reader of the same file.
func Resume(name string, at io.ReaderAt, size int64, from End) *Reader {
	return &Reader{name: name, at: at, size: size, b: Builder{End: from}, in: buffered(at, from.Offset, size)}
}

func buffered(at io.ReaderAt, from, to int64) *bufio.Reader {
	return bufio.NewReaderSize(io.NewSectionReader(at, from, to-from), int(min(readAhead, to-from)))
}

// Header returns the header of the file.
func (r *Reader) Header() Header { return r.header }

// End returns the end of the last entry that was read, or the end of the file once the footer
// of a sealed file was read.
func (r *Reader) End() End { return r.b.End }

// State returns the builder that appends behind the last entry that was read. It is complete
// only if the file was read from its beginning.
func (r *Reader) State() Builder { return r.b.Mark() }

// Next returns the next entry and its number in the chain. The entry's Data is valid until the
// next call. io.EOF is a clean end, a *DamageError any other; every further call returns the
// same.
func (r *Reader) Next() (Entry, uint64, error) {
	end := r.b.End
	if end.Offset == r.size || end.Sealed {
		return Entry{}, 0, io.EOF
	}
	payload, kind, hash, err := r.read()
	if err != nil {
		return Entry{}, 0, err
	}
	length := frameSize(len(payload))
	if kind == KindFooter {
		return Entry{}, 0, r.seal(payload, length, hash)
	}
	e, err := decodeEntry(kind, payload)
	if err != nil {
		return Entry{}, 0, r.damage(err)
	}
	r.b.End = End{Offset: end.Offset + length, Hash: hash, Next: end.Next + 1}
	r.b.Footer.add(end.Next, e)
	return e, end.Next, nil
}

// read reads one frame and checks it.
func (r *Reader) read() (payload []byte, kind Kind, hash Hash, err error) {
	left := r.size - r.b.End.Offset
	if left < frameHead {
		return nil, 0, hash, r.damage(errShort)
	}
	head, err := r.in.Peek(lengthSize)
	if err != nil {
		return nil, 0, hash, r.failed(err)
	}
	n, err := payloadLength(head)
	if err != nil {
		return nil, 0, hash, r.damage(err)
	}
	length := frameSize(n)
	if length > left {
		return nil, 0, hash, r.damage(errShort)
	}
	if int64(cap(r.frame)) < length {
		r.frame = make([]byte, length, max(length, 4<<10))
	}
	r.frame = r.frame[:length]
	if _, err := io.ReadFull(r.in, r.frame); err != nil {
		return nil, 0, hash, r.failed(err)
	}
	if err := checkFrame(r.frame, r.b.End.Hash); err != nil {
		return nil, 0, hash, r.damage(err)
	}
	return r.frame[frameHead:], Kind(r.frame[kindAt]), hashOf(r.frame), nil
}

// seal checks the footer and the trailer of a sealed file.
func (r *Reader) seal(payload []byte, length int64, hash Hash) error {
	f, err := decodeFooter(payload)
	if err != nil || r.header.Number > 0 && f.Entries != r.b.Footer.Entries {
		return r.damage(errBody)
	}
	want := trailer(int(length))
	got := make([]byte, min(trailerSize, r.size-r.b.End.Offset-length))
	if _, err := io.ReadFull(r.in, got); err != nil {
		return r.failed(err)
	}
	if string(got) != string(want[:len(got)]) {
		return r.damage(errBody)
	}
	if len(got) < trailerSize {
		return r.damage(errShort)
	}
	if rest := r.size - r.b.End.Offset - length - trailerSize; rest > 0 {
		return r.damage(errBody)
	}
	r.b.End = End{Offset: r.size, Hash: hash, Next: r.b.End.Next, Sealed: true}
	return io.EOF
}

func (r *Reader) failed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.damage(errShort) // somebody cut the file while it was read
	}
	return fmt.Errorf("read %s: %w", r.name, err)
}

// damage returns the error of what can't be read, and finds out whether it is a torn tail:
// behind a torn tail stands nothing that could be a record.
func (r *Reader) damage(cause error) error {
	r.in.Reset(eof{})
	d := &DamageError{File: r.name, Offset: r.b.End.Offset, Number: r.b.End.Next, Cause: cause}
	switch {
	case zeros(r.at, d.Offset, r.size): // some file systems leave zeros after a loss of power
		d.Torn = true
	case errors.Is(cause, errShort):
		d.Torn = !frameBehind(r.at, d.Offset+1, r.size)
	}
	return d
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
