package loop

import (
	"context"
	"fmt"
	"time"

	"github.com/meshos/meshos/host/state"
)

// lookShare bounds what lookers cost: after one the next is let in when it has been
// out for this many times as long as it was in. So all of them together take a
// tenth of the loop's time, however many there are.
const lookShare = 9

// Look shows the state of the node to visit, on the loop's goroutine and between
// two inputs: what visit sees belongs together. Meanwhile the loop does nothing
// else, so visit is quick. It changes nothing and keeps nothing of the state. One
// looks at a time, in the order in which they came.
//
// Look waits for its turn until ctx is done; once visit began, it waits for its end.
// A panic in visit comes back as an error. After the loop's end it returns
// ErrLoopClosed.
func (f Feed) Look(ctx context.Context, visit func(*state.State)) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("look at the state: %w", context.Cause(ctx))
	}
	if err := f.looks.wait(ctx, visit); err != nil {
		return fmt.Errorf("look at the state: %w", err)
	}
	return nil
}

// looks is the door for those who want to look at the state.
type looks struct {
	core  core
	line  chan wish // has no places: who gets a wish in has his turn
	ended chan struct{}

	// The loop's own.
	from time.Time   // when the next one is let in
	turn *time.Timer // fires then, so that a loop with nothing to do lets him in
}

// wish is one who has his turn.
type wish struct {
	visit func(*state.State)
	done  chan error
}

func newLooks(c core) *looks {
	s := &looks{core: c, line: make(chan wish), ended: make(chan struct{}), turn: time.NewTimer(0)}
	s.turn.Stop()
	return s
}

func (s *looks) wait(ctx context.Context, visit func(*state.State)) error {
	one := wish{visit: visit, done: make(chan error, 1)}
	select {
	case s.line <- one:
		return <-one.done
	case <-s.ended:
		return ErrLoopClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// next gives where the next one comes from; nil, which is nobody, while it is not
// his turn.
func (s *looks) next(now time.Time) <-chan wish {
	if now.Before(s.from) {
		return nil
	}
	return s.line
}

// one lets the next one in, if somebody waits.
func (s *looks) one(now time.Time) {
	select {
	case next := <-s.next(now):
		s.serve(next)
	default:
	}
}

func (s *looks) serve(next wish) {
	began := time.Now()
	err := guarded(func() error {
		s.core.Look(next.visit)
		return nil
	})
	end := time.Now()
	pause := lookShare * end.Sub(began)
	s.from = end.Add(pause)
	s.turn.Reset(pause)
	next.done <- err
}

func (s *looks) close() {
	s.turn.Stop()
	close(s.ended)
}
