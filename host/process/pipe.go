package process

import (
	"os"
	"sync"
)

// pipe is the read end of a child's output. It knows when it was read to its
// end, so that nobody has to wait for a grace that is not needed.
type pipe struct {
	file  *os.File
	once  sync.Once
	ended chan struct{} // closed at end of file, error or Close
}

// newPipe gives a pipe and its write end.
func newPipe() (*pipe, *os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	return &pipe{file: r, ended: make(chan struct{})}, w, nil
}

// Read reads what the child wrote. After Close, also of another goroutine, it
// gives os.ErrClosed.
func (p *pipe) Read(b []byte) (int, error) {
	n, err := p.file.Read(b)
	if err != nil {
		p.once.Do(func() { close(p.ended) })
	}
	return n, err
}

// Close closes the read end; the child gets SIGPIPE if it writes on. It may be
// called more than once.
func (p *pipe) Close() error {
	p.once.Do(func() { close(p.ended) })
	return p.file.Close()
}
