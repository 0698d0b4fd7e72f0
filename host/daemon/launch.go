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

	"github.com/meshos/meshos/host/cgroup"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/unwritable"
)

// errHookFailed means that a command before the start failed, so that there is no process. The
// response says how.
var errHookFailed = errors.New("a command before its start failed")

// launch starts a shim, sends it a request and waits for its response.
func (m *Manager) launch(ctx context.Context, request shim.Request) (h *process.Handle, response shim.Response, err error) {
	if err := ctx.Err(); err != nil {
		return nil, response, err
	}
	folder := shim.FolderOf(m.opts.Dir, request.ID)
	if err := folder.Make(); unwritable.Is(err) {
		if other, found := folder.Find(); found { // no lock keeps it out
			return nil, response, fmt.Errorf("process %d supervises it already", other.Shim.PID)
		}
	} else if err != nil {
		return nil, response, err
	}
	requestR, requestW, err := os.Pipe()
	if err != nil {
		return nil, response, err
	}
	defer func() { _ = requestW.Close() }()
	responseR, responseW, err := os.Pipe()
	if err != nil {
		_ = requestR.Close()
		return nil, response, err
	}
	defer func() { _ = responseR.Close() }()

	program, name := m.shimProgram(), "meshos"
	if program != nil {
		name = "" // its own
	}
	h, err = process.StartDetached(process.Spec{
		Path: m.opts.Shim[0], Program: program, Args: append(m.opts.Shim[1:len(m.opts.Shim):len(m.opts.Shim)], string(folder)),
		// One thread at a time is enough, and no garbage of a start is worth a collection.
		Env: []string{"GOMAXPROCS=1", "GOGC=off"}, ExtraFiles: []*os.File{requestR, responseW},
	}, name)
	_ = requestR.Close()
	_ = responseW.Close()
	if err != nil {
		return nil, response, fmt.Errorf("its supervising process: %w", err)
	}
	response, err = exchange(ctx, request, requestW, responseR)
	if err == nil && response.Ended != nil {
		m.reap(h) // it ends by itself
		return nil, response, errHookFailed
	}
	if err == nil && response.Fault != nil {
		err = response.Fault.Err()
	} else if errors.Is(err, io.EOF) {
		err = fmt.Errorf("its supervising process ended at once; see %s", folder.Log())
	}
	if err != nil {
		if len(request.PreStart.Commands) > 0 { // which it ends when nobody waits for its response
			_ = responseR.Close()
			m.awaitEnd(h)
		}
		// The daemon, if there is one already, dies with it.
		_ = h.Signal(syscall.SIGKILL)
		m.reap(h)
		if rec, err := folder.Load(); err == nil && rec.Shim == h.Identity() {
			cgroup.Group(rec.Cgroup).Kill()
			process.Send(syscall.SIGKILL, remains(rec)...)
			m.logRemoval(rec.Daemon(), folder.RemoveRecord())
		}
		return nil, response, err
	}
	return h, response, nil
}

// exchange writes the request and reads the response, until ctx ends.
func exchange(ctx context.Context, request shim.Request, to, from *os.File) (response shim.Response, err error) {
	stop := context.AfterFunc(ctx, func() {
		past := time.Unix(1, 0)
		_, _ = to.SetWriteDeadline(past), from.SetReadDeadline(past)
	})
	defer stop()
	err = json.NewEncoder(to).Encode(request)
	if err == nil || errors.Is(err, syscall.EPIPE) { // then the response says why
		err = json.NewDecoder(from).Decode(&response)
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return response, err
}

// reap waits for the end of a shim that was killed, but not for ever.
func (m *Manager) reap(h *process.Handle) {
	defer h.Close()
	m.awaitEnd(h)
}

// awaitEnd waits for the end of a shim, but not for ever.
func (m *Manager) awaitEnd(h *process.Handle) {
	ctx, cancel := context.WithTimeout(context.Background(), killedWait)
	defer cancel()
	_ = h.Wait(ctx)
}

// shimProgram returns the copy that shims execute; nil for the program itself. It is made when
// the first shim is started, and if that fails not tried again.
func (m *Manager) shimProgram() *process.Program {
	if m.opts.Program == nil && !m.opts.CopyShim {
		return nil
	}
	m.copying.Do(func() {
		shims := m.shims()
		if m.program = m.opts.Program; m.program != nil {
			if same := m.program.Running(shims...); same != nil {
				m.program = same
			}
			return
		}
		var err error
		if m.program, err = process.CopySelf(m.opts.Dir, shims...); err != nil {
			m.opts.Log.Warn("supervising processes of daemons run the installed program, which can't be overwritten while they do: "+
				"replace it by a rename (mv, install)", "error", err)
		}
	})
	return m.program
}

// shims returns the shims of the present runs.
func (m *Manager) shims() (shims []process.Identity) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.runs {
		if h := r.handle(); h != nil {
			shims = append(shims, h.Identity())
		}
	}
	return shims
}
