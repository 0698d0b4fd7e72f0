package process

// Lost reports whether a process, whose Ancestry this is, descends from something that this
// Spawner started and that has ended since: the watcher took it over, whatever session it is
// in. Without a watcher nobody knows.
func (s *Spawner) Lost(line []Kin) bool {
	w, watched := s.forker.(*watchedForker)
	if !watched {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, k := range line {
		if w.proc != nil && k.PID == w.proc.Pid {
			return i > 0 && !w.started(line[i-1].PID)
		}
	}
	return false
}

// started reports whether a child of the watcher is one that was asked for.
func (w *watchedForker) started(pid int) bool {
	for _, c := range w.children {
		if c.handle != nil && c.handle.id.PID == pid {
			return true
		}
	}
	return false
}
