package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	_ "github.com/meshos/meshos/host/process/helper" // makes this binary the helper when it is started as one
	"github.com/meshos/meshos/host/process/order"
)

// self is the only file that this process ever executes. A file that somebody else
// names could make the kernel wait, and with it the thread that started it and the next
// pause of the garbage collector.
const self = "/proc/self/exe"

// helperStart is what a helper is started with.
type helperStart struct {
	path    string     // for errors
	files   []*os.File // all descriptors of the helper, from 0
	lasting bool       // see Spec
	rest    *restEnd   // nil for none
	mark    string     // in the environment of the program
	given   int        // how many of them the program keeps beside 0, 1 and 2
	own     []*os.File // of files, those to close here once it is started
	status  *os.File   // the read end of the status pipe
}

// newHelperStart prepares a helper: stdio are its first three descriptors, given those
// behind them, and program the one to execute or copy to, if the order names it.
func newHelperStart(o order.Order, stdio [3]*os.File, given []*os.File, program *os.File) (*helperStart, error) {
	if len(given) > 9 {
		return nil, fmt.Errorf("%d files to hand over, at most 9 are possible", len(given))
	}
	h := &helperStart{path: o.Path, given: len(given)}
	text, err := orderFile(o)
	if err != nil {
		return nil, err
	}
	status, statusW, err := os.Pipe()
	if err != nil {
		_ = text.Close()
		return nil, err
	}
	h.status, h.own = status, []*os.File{text, statusW}
	h.files = append(append(stdio[:], given...), text, statusW)
	if program != nil {
		h.files = append(h.files, program)
	}
	return h, nil
}

// args returns the helper's command line.
func (h *helperStart) args() []string {
	return []string{"meshos", order.Command, strconv.Itoa(h.given)}
}

// sent closes what belongs to the helper by now.
func (h *helperStart) sent() {
	for _, f := range h.own {
		_ = f.Close()
	}
}

// orderFile returns a file in memory that holds the order.
func orderFile(o order.Order) (*os.File, error) {
	fd, err := unix.MemfdCreate("order", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "order")
	if _, err := f.Write(o.Encode()); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// await waits until the helper has executed its program or copied its file, and returns
// its last word on that. It closes the status pipe. The error is the context's, or
// errHelper if the helper has ended without a word.
func (h *helperStart) await(ctx context.Context) (last order.Status, err error) {
	defer func() { _ = h.status.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = h.status.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for {
		var b [order.StatusSize]byte
		_, err := io.ReadFull(h.status, b[:])
		switch {
		case err == nil:
			last = order.DecodeStatus(b)
		case ctx.Err() != nil:
			return last, context.Cause(ctx)
		case last.Step == 0:
			return last, errHelper
		default: // the pipe has ended
			return last, nil
		}
	}
}

// errHelper means that a helper has ended before it could say anything.
var errHelper = errors.New("its starting process ended early")
