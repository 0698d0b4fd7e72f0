package standby

import "syscall"

// Variable is the environment variable by which a program knows that it is a shim that stands
// by: the descriptor of its State, a file in memory.
const Variable = "MESHOS_STANDBY"

// magic begins a State. The program that reads it is the one that wrote it.
const magic = 0x1_7379_6273_6d

// State is what a shim knows before it stands by, and afterwards.
type State struct {
	// Descriptors. That of the response is -1 once it was sent.
	Response, Lock, Stdout, Stderr, Output, Record int
	Main                                           int // the pid of the daemon's main process

	Segment, Size uint64 // of the output, and how long it is
	// SegmentSize and Segments are where a segment is full, and how many are kept. MaxLine is
	// the length at which a line is cut, and MaxLines are stored in a Window, in nanoseconds.
	SegmentSize, Segments, MaxLine, MaxLines, Window uint64
	// Lines and Suppressed count what was printed in a window, whose end is in nanoseconds of
	// CLOCK_MONOTONIC.
	Lines, Suppressed, WindowEnd uint64
	// Signals are those that came and that the whole shim takes, by their Bit.
	Signals uint64
	// Unanswered means that the response did not reach the node.
	Unanswered bool

	Whole []byte // what only the whole shim reads
	Text  []byte // of the response
	Dir   []byte // of the output
	// Out and Err are the beginnings of what is not stored yet.
	Out, Err  []byte
	LastError []byte // the last line on stderr

	wholeSize uint64
}

const (
	numbers = 26 // of a State, each of 8 bytes
	header  = 8 * numbers
)

// Write writes the State to a file that is empty.
func (s *State) Write(fd int) error {
	s.wholeSize = uint64(len(s.Whole))
	if err := write(fd, s.Whole, header); err != nil {
		return err
	}
	return s.update(fd)
}

// update writes everything but Whole, whose length does not change.
func (s *State) update(fd int) error {
	at := header + int64(s.wholeSize)
	for _, part := range [][]byte{s.Text, s.Dir, s.Out, s.Err, s.LastError} {
		if err := write(fd, part, at); err != nil {
			return err
		}
		at += int64(len(part))
	}
	unanswered := uint64(0)
	if s.Unanswered {
		unanswered = 1
	}
	var b [header]byte
	for i, n := range [numbers]uint64{
		magic, uint64(s.Response), uint64(s.Lock), uint64(s.Stdout), uint64(s.Stderr), uint64(s.Output), uint64(s.Record), uint64(s.Main),
		s.Segment, s.Size, s.SegmentSize, s.Segments, s.MaxLine, s.MaxLines, s.Window, s.Lines, s.Suppressed, s.WindowEnd, s.Signals, unanswered,
		s.wholeSize, uint64(len(s.Text)), uint64(len(s.Dir)), uint64(len(s.Out)), uint64(len(s.Err)), uint64(len(s.LastError)),
	} {
		for k := range 8 {
			b[8*i+k] = byte(n >> (8 * k))
		}
	}
	return write(fd, b[:], 0)
}

func write(fd int, b []byte, at int64) error {
	for len(b) > 0 {
		n, err := syscall.Pwrite(fd, b, at)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		b, at = b[n:], at+int64(n)
	}
	return nil
}

// Read reads a State; false if the file has none. Without whole it leaves out what only the whole
// shim needs, except for its length.
func Read(fd int, whole bool) (s *State, ok bool) {
	var b [header]byte
	if !read(fd, b[:], 0) {
		return nil, false
	}
	var n [numbers]uint64
	for i := range n {
		for k := range 8 {
			n[i] |= uint64(b[8*i+k]) << (8 * k)
		}
	}
	if n[0] != magic {
		return nil, false
	}
	s = &State{
		Response: int(n[1]), Lock: int(n[2]), Stdout: int(n[3]), Stderr: int(n[4]), Output: int(n[5]), Record: int(n[6]), Main: int(n[7]),
		Segment: n[8], Size: n[9], SegmentSize: n[10], Segments: n[11], MaxLine: n[12], MaxLines: n[13], Window: n[14],
		Lines: n[15], Suppressed: n[16], WindowEnd: n[17], Signals: n[18], Unanswered: n[19] != 0, wholeSize: n[20],
	}
	at := int64(header)
	for i, part := range []*[]byte{&s.Whole, &s.Text, &s.Dir, &s.Out, &s.Err, &s.LastError} {
		size := n[20+i]
		if i > 0 || whole {
			*part = make([]byte, size)
			if !read(fd, *part, at) {
				return nil, false
			}
		}
		at += int64(size)
	}
	return s, true
}

func read(fd int, b []byte, at int64) bool {
	for len(b) > 0 {
		n, err := syscall.Pread(fd, b, at)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return false
		}
		b, at = b[n:], at+int64(n)
	}
	return true
}

// descriptor returns the descriptor that Variable names.
func descriptor() (fd int, ok bool) {
	text, _ := syscall.Getenv(Variable)
	if len(text) == 0 || len(text) > 6 {
		return 0, false
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
		fd = 10*fd + int(text[i]-'0')
	}
	return fd, true
}

// Load returns the State of this process after it stood by; false if it has none.
func Load() (*State, bool) {
	fd, ok := descriptor()
	if !ok {
		return nil, false
	}
	s, ok := Read(fd, true)
	if ok {
		_ = syscall.Close(fd)
	}
	return s, ok
}
