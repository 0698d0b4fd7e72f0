package shim

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/daemon/shim/standby"
	"github.com/meshos/meshos/host/daemon/spool"
	"github.com/meshos/meshos/host/process"
)

// whole is what a shim needs after it stood by. The request and the record are texts that the
// start has read and written anyway.
type whole struct {
	Request json.RawMessage `json:"request"`
	Record  json.RawMessage `json:"record"`
	EndAt   int64           `json:"end_at"` // see slot
	Started time.Duration   `json:"started"`
}

// uptime returns what the clock shows that goes on across programs.
func uptime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // never fails
	return time.Duration(t.Nano())
}

// errNoRecord means that the record, or the output, can't be written for now.
var errNoRecord = errors.New("its disk takes nothing")

// standBy executes this program anew as one that waits and does little else, and that responds to
// the node. It returns only if that is not possible.
func (s *shim) standBy(request json.RawMessage, response *os.File) error {
	output, segment, size, ok := s.writer.Place()
	if !standby.Able {
		return nil
	}
	if s.slot == nil || s.lock == nil || !ok {
		return errNoRecord
	}
	stdout, stderr, err := s.proc.Descriptors()
	if err != nil {
		return err
	}
	text, err := json.Marshal(whole{Request: request, Record: s.slot.record, EndAt: s.slot.at, Started: s.started})
	if err != nil {
		return err
	}
	memory, err := unix.MemfdCreate("standby", unix.MFD_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("memfd_create", err)
	}
	defer func() { _ = unix.Close(memory) }()
	files := []uintptr{response.Fd(), s.lock.Fd(), stdout, stderr, output, s.slot.file.Fd(), uintptr(memory)}
	state := standby.State{
		Response: int(files[0]), Lock: int(files[1]), Stdout: int(files[2]), Stderr: int(files[3]), Output: int(files[4]), Record: int(files[5]),
		Main: s.proc.Pid(), Segment: segment, Size: uint64(size),
		SegmentSize: spool.SegmentSize, Segments: spool.Segments, MaxLine: maxLine, MaxLines: spool.MaxLines, Window: uint64(spool.Window),
		Whole: text, Text: fmt.Appendf(nil, "{\"pid\":%d}\n", s.proc.Pid()), Dir: []byte(s.folder.Output()),
	}
	// The new program does not handle them at once, and would end: those that come meanwhile are lost.
	signal.Ignore(handled()...)
	defer signal.Notify(s.signals, handled()...) // it could not be executed
	for waiting := true; waiting; {
		select {
		case sig := <-s.signals:
			if number, ok := sig.(syscall.Signal); ok {
				state.Signals |= standby.Bit(number)
			}
		default:
			waiting = false
		}
	}
	if err := state.Write(memory); err != nil {
		return fmt.Errorf("state of the shim: %w", err)
	}
	var env []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "GOGC=") && !strings.HasPrefix(variable, "GOMAXPROCS=") {
			env = append(env, variable)
		}
	}
	env = append(env, "GOGC=off", "GOMAXPROCS=1", standby.Variable+"="+strconv.Itoa(memory))
	return s.spawner.Become(os.Args, env, files...)
}

// resume goes on after this shim stood by.
func (s *shim) resume(state *standby.State) error {
	var w whole
	if err := json.Unmarshal(state.Whole, &w); err != nil {
		return fmt.Errorf("state of the shim: %w", err)
	}
	var request Request
	if err := errors.Join(json.Unmarshal(w.Request, &request), json.Unmarshal(w.Record, &s.record)); err != nil {
		return fmt.Errorf("state of the shim: %w", err)
	}
	s.lock = os.NewFile(uintptr(state.Lock), s.folder.lock())
	s.slot = &slot{file: os.NewFile(uintptr(state.Record), s.folder.state()), at: w.EndAt}
	s.started, s.post, s.in = w.Started, request.PostStop, request.spec()
	s.rest = newRest(request)
	s.rest.main, s.rest.mainIs = state.Main, s.record.Process
	s.writer = spool.ResumeWriter(s.folder.Output(), os.NewFile(uintptr(state.Output), "output"), state.Segment)
	s.catch()
	standby.Release(state)
	s.proc = process.Resume(state.Main, uintptr(state.Stdout), uintptr(state.Stderr), s.rest.await)
	s.collect(state)
	var err error
	if state.Unanswered {
		err = unix.EPIPE
	}
	if state.Response >= 0 {
		response := os.NewFile(uintptr(state.Response), "response")
		_, err = response.Write(state.Text)
		_ = response.Close()
	}
	if err != nil {
		s.abandon()
		return unanswered(err)
	}
	return nil
}
