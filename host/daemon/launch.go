package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/process"
)

// launch starts a shim, hands it its order and waits for what it answers.
func (m *Manager) launch(ctx context.Context, order shim.Order) (h *process.Handle, pid int, err error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	folder := shim.FolderOf(m.opts.Dir, order.ID)
	if err := folder.Make(); err != nil {
		return nil, 0, err
	}
	orderR, orderW, err := os.Pipe()
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = orderW.Close() }()
	reportR, reportW, err := os.Pipe()
	if err != nil {
		_ = orderR.Close()
		return nil, 0, err
	}
	defer func() { _ = reportR.Close() }()

	h, err = process.StartDetached(process.Spec{
		Path: m.opts.Shim[0], Args: append(m.opts.Shim[1:len(m.opts.Shim):len(m.opts.Shim)], string(folder)),
		// One thread at a time is enough for it, and costs the least memory.
		Env: []string{"GOMAXPROCS=1"}, ExtraFiles: []*os.File{orderR, reportW},
	}, "meshos")
	_ = orderR.Close()
	_ = reportW.Close()
	if err != nil {
		return nil, 0, fmt.Errorf("its supervising process: %w", err)
	}
	report, err := converse(ctx, order, orderW, reportR)
	if err == nil && report.Fault != nil {
		err = report.Fault.Err()
	} else if errors.Is(err, io.EOF) {
		err = fmt.Errorf("its supervising process ended at once; see %s", folder.Log())
	}
	if err != nil {
		// The daemon, if there is one already, dies with it.
		_ = h.Signal(syscall.SIGKILL)
		m.reap(h)
		if rec, err := folder.Load(); err == nil && rec.Shim == h.Identity() {
			sweep(rec)
			m.removed(rec.Daemon(), folder.Forget())
		}
		return nil, 0, err
	}
	return h, report.PID, nil
}

// converse writes the order and reads the report, until ctx ends.
func converse(ctx context.Context, order shim.Order, to, from *os.File) (report shim.Report, err error) {
	stop := context.AfterFunc(ctx, func() {
		past := time.Unix(1, 0)
		_, _ = to.SetWriteDeadline(past), from.SetReadDeadline(past)
	})
	defer stop()
	err = json.NewEncoder(to).Encode(order)
	if err == nil || errors.Is(err, syscall.EPIPE) { // in that case it says why
		err = json.NewDecoder(from).Decode(&report)
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return report, err
}

// reap collects a shim that was killed, but does not wait for ever.
func (m *Manager) reap(h *process.Handle) {
	defer h.Close()
	ctx, cancel := context.WithTimeout(context.Background(), killedWait)
	defer cancel()
	_ = h.Wait(ctx)
}
