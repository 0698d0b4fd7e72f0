package standby

import "syscall"

func init() {
	fd, ok := descriptor()
	if !ok {
		return
	}
	s, ok := Read(fd, false)
	if !ok {
		return
	}
	for _, fd := range []int{fd, s.Response, s.Lock, s.Stdout, s.Stderr, s.Output, s.Record} {
		if fd >= 0 {
			syscall.CloseOnExec(fd)
		}
	}
	setName("meshos-shim") // for ps; cosmetic
	w := &standby{State: s}
	w.run()
	_ = w.update(fd) // what is in memory can be written
}

// standby is a shim that stands by.
type standby struct {
	*State
	streams [2]stream // stdout and stderr
	line    []byte    // as it is stored; used again and again
	path    []byte    // of the segment, with a 0 at its end
	file    syscall.Stat_t
	pace    pace
}

// run responds to the node, and returns when the whole shim is needed.
func (w *standby) run() {
	w.streams = [2]stream{{fd: w.Stdout, word: "out", rest: &w.Out}, {fd: w.Stderr, word: "err", rest: &w.Err, isError: true}}
	if !takeSignals() {
		return // the whole shim responds
	}
	if !w.respond() {
		w.Unanswered = true
		return
	}
	for more := w.Signals&forWhole == 0 && w.reap(); more; more = w.step() {
	}
}

// respond sends the response.
func (w *standby) respond() bool {
	defer func() {
		_ = syscall.Close(w.Response)
		w.Response = -1
	}()
	for b := w.Text; len(b) > 0; {
		n, err := syscall.Write(w.Response, b)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return false
		}
		b = b[n:]
	}
	return true
}

// step waits for one thing to happen, and reports false if it is one for the whole shim.
func (w *standby) step() bool {
	polled := [...]pollFD{
		{fd: signalR, events: pollIn},
		{fd: int32(w.streams[0].fd), events: pollIn},
		{fd: int32(w.streams[1].fd), events: pollIn},
	}
	if err := poll(polled[:], w.due()); err != 0 {
		return err == syscall.EINTR
	}
	if polled[0].revents != 0 {
		w.Signals |= came()
		if w.Signals&forWhole != 0 || !w.reap() {
			return false
		}
		w.Signals = 0
	}
	if !w.endWindow(now(clockMonotonic)) {
		return false
	}
	for i := range w.streams {
		if polled[1+i].revents != 0 && !w.take(&w.streams[i]) {
			return false
		}
	}
	return true
}

// reap collects whoever has ended, and reports false if that is the main process, which it leaves.
func (w *standby) reap() bool {
	for {
		switch pid := zombie(); pid {
		case 0:
			return true
		case w.Main:
			return false
		default:
			if _, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); err != nil && err != syscall.EINTR {
				return true
			}
		}
	}
}
