package shim

import (
	"io"
	"time"
)

const (
	// floodBytes within floodTime make a flood.
	floodBytes = 512 << 10
	floodTime  = time.Second
	// While there is a flood, floodChunk bytes are read at once, and then the daemon may write
	// for floodPause: it is not woken, and does not wake us, for every line. So a daemon that
	// prints more than about 50 MB/s has to wait.
	floodChunk = 1 << 20
	floodPause = 20 * time.Millisecond
)

// pacedReader reads much at once from a daemon that prints much.
type pacedReader struct {
	from  io.Reader
	begin time.Time // of the time in which bytes are counted
	bytes int
	flood bool
	burst int // bytes since the last pause
	taken bool
}

// Read implements io.Reader.
func (p *pacedReader) Read(b []byte) (int, error) {
	if p.flood && p.burst >= floodChunk {
		time.Sleep(floodPause)
		p.burst = 0
	}
	n, err := p.from.Read(b)
	p.bytes += n
	if p.burst += n; n < len(b) {
		p.burst = floodChunk // all that there was has been read
	}
	if now := time.Now(); now.Sub(p.begin) >= floodTime {
		p.flood = p.bytes >= floodBytes
		p.begin, p.bytes = now, 0
	} else if p.bytes >= floodBytes {
		p.flood = true
	}
	if pipe, ok := p.from.(interface{ TakeAlone(size int) bool }); p.flood && !p.taken && ok {
		pipe.TakeAlone(floodChunk)
		p.taken = true
	}
	return n, err
}
