package api

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/meshos/meshos/internal/readfile"
)

// watchEvery is how often the file of the socket is looked at, and watchWithin how long
// that may take.
const (
	watchEvery  = time.Second
	watchWithin = 5 * time.Second
)

// watch makes the socket's file anew when it was deleted, until ctx is done. A socket on
// which another node answers is left alone. What happens is reported once.
func (s *Socket) watch(ctx context.Context, every time.Duration, report func(reason string)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	failed, shut := "", ""
	for {
		s.mu.Lock()
		if s.shut != nil && s.shut.Error() != shut {
			shut = s.shut.Error()
			report(shut)
		}
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		restored, err := readfile.DoContext(ctx, s.path, watchWithin, func() (bool, error) { return s.restore(ctx) })
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if failed != err.Error() {
				report(fmt.Sprintf("the socket was deleted, and nobody can connect: %v; it is tried again", err))
			}
			failed = err.Error()
		case restored:
			report(fmt.Sprintf("the socket %s was deleted, and is there again", s.path))
			failed = ""
		default:
			failed = ""
		}
	}
}

// restore opens the socket again if its file is gone.
func (s *Socket) restore(ctx context.Context) (bool, error) {
	s.mu.Lock()
	closed, mine := s.closed, s.file
	s.mu.Unlock()
	if closed {
		return false, nil
	}
	if s.leadsTo(mine) {
		s.retryLetIn()
		return false, nil
	}
	made := missing(filepath.Dir(s.path))
	ln, file, err := listen(ctx, s.path)
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	old := s.ln
	if closed = s.closed; !closed {
		s.ln, s.file = ln, file
	}
	s.mu.Unlock()
	if closed { // meanwhile
		s.remove(file)
		return false, ln.Close()
	}
	_ = old.Close() // Accept goes on with the new one
	s.setShut(s.letIn(made))
	return true, nil
}

// retryLetIn tries again to let the members of the group in: the group, or the folder, may
// be what it should be by now.
func (s *Socket) retryLetIn() {
	s.mu.Lock()
	shut := s.shut
	s.mu.Unlock()
	if shut != nil {
		s.setShut(s.letIn(nil))
	}
}

func (s *Socket) setShut(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = err
}
