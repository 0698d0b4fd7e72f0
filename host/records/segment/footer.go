package segment

import (
	"encoding/binary"
	"io"
	"time"
)

// Run describes entries of one epoch that follow each other, so that one of them can be found
// without reading the file.
type Run struct {
	Epoch       uint64
	First, Last uint64 // seqs
	Number      uint64 // of its first entry in the chain
}

// Footer summarizes a sealed file. A start reads only the footer; verifying reads all of the
// file.
type Footer struct {
	Entries uint64
	// Newest is the latest Wall of an entry.
	Newest time.Time
	Runs   []Run // oldest first
}

// A sealed file ends with a trailer, by which the footer is found from the end: the size of
// the footer's frame (4) and a mark (4).
const (
	trailerSize = 8
	trailerMark = "end\n"
	footerHead  = 16
	runSize     = 32
)

// add adds an entry to the footer. Entries come in order.
func (f *Footer) add(number uint64, e Entry) {
	f.Entries++
	if e.Wall.After(f.Newest) {
		f.Newest = e.Wall
	}
	if n := len(f.Runs); n > 0 && f.Runs[n-1].Epoch == e.Epoch && e.Seq >= f.Runs[n-1].Last {
		f.Runs[n-1].Last = e.Seq
		return
	}
	f.Runs = append(f.Runs, Run{Epoch: e.Epoch, First: e.First(), Last: e.Seq, Number: number})
}

func (f Footer) encode() []byte {
	b := make([]byte, 0, footerHead+runSize*len(f.Runs))
	b = binary.LittleEndian.AppendUint64(b, f.Entries)
	b = binary.LittleEndian.AppendUint64(b, uint64(f.Newest.UnixNano()))
	for _, r := range f.Runs {
		for _, n := range []uint64{r.Epoch, r.First, r.Last, r.Number} {
			b = binary.LittleEndian.AppendUint64(b, n)
		}
	}
	return b
}

func decodeFooter(b []byte) (Footer, error) {
	if len(b) < footerHead || (len(b)-footerHead)%runSize != 0 {
		return Footer{}, errBody
	}
	f := Footer{
		Entries: binary.LittleEndian.Uint64(b),
		Newest:  time.Unix(0, int64(binary.LittleEndian.Uint64(b[8:]))).UTC(),
	}
	for b = b[footerHead:]; len(b) > 0; b = b[runSize:] {
		f.Runs = append(f.Runs, Run{
			Epoch: binary.LittleEndian.Uint64(b), First: binary.LittleEndian.Uint64(b[8:]),
			Last: binary.LittleEndian.Uint64(b[16:]), Number: binary.LittleEndian.Uint64(b[24:]),
		})
	}
	return f, nil
}

func trailer(footerFrame int) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(footerFrame))
	return append(b, trailerMark...)
}

// ReadFooter reads the footer of a sealed file, given the file's size. End is the end of the
// file, with the hash that the next file links to. Ok is false if the file is not sealed or
// its footer can't be read: then it has to be read from its beginning.
func ReadFooter(at io.ReaderAt, size int64) (f Footer, end End, ok bool) {
	if size < HeaderSize+frameSize(footerHead)+trailerSize {
		return f, end, false
	}
	var mark [trailerSize]byte
	if n, _ := at.ReadAt(mark[:], size-trailerSize); n < trailerSize || string(mark[4:]) != trailerMark {
		return f, end, false
	}
	length := int64(binary.LittleEndian.Uint32(mark[:]))
	if length < frameSize(footerHead) || length > MaxPayload || length > size-trailerSize-HeaderSize {
		return f, end, false
	}
	frame := make([]byte, length)
	if n, _ := at.ReadAt(frame, size-trailerSize-length); int64(n) < length {
		return f, end, false
	}
	n, err := payloadLength(frame)
	if err != nil || frameSize(n) != length || checkFrame(frame, Hash(frame[lengthSize+crcSize:kindAt])) != nil ||
		Kind(frame[kindAt]) != KindFooter {
		return f, end, false
	}
	f, err = decodeFooter(frame[frameHead:])
	if err != nil {
		return f, end, false
	}
	return f, End{Offset: size, Hash: hashOf(frame), Sealed: true}, true
}
