package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// pressedTwice is within which time a second Ctrl-C means that the end is not waited for.
const pressedTwice = 2 * time.Second

// abortWithin is how long the process has for an end at once.
const abortWithin = time.Second

// endSignals counts the signals that ask for the end. The first one asks for an orderly
// end. Two SIGTERMs are one, since service managers and shells both send it; the third
// one, or Ctrl-C twice within 2 s, asks for an end at once.
type endSignals struct {
	terms       int
	interrupted time.Time // when the last SIGINT came
}

// atOnce takes a signal that came now, and reports whether it asks for an end at once.
func (e *endSignals) atOnce(sig os.Signal, now time.Time) bool {
	if sig == syscall.SIGTERM {
		e.terms++
		return e.terms > 2
	}
	twice := !e.interrupted.IsZero() && now.Sub(e.interrupted) <= pressedTwice
	e.interrupted = now
	return twice
}

// endContext returns a context that ends at the first signal that asks for the end, and a
// channel that is closed when an end at once is asked for. stop releases the signals.
func endContext(now func() time.Time) (ctx context.Context, abort <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals, aborted, stopped, done := make(chan os.Signal, 8), make(chan struct{}), make(chan struct{}), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer close(done)
		var came endSignals
		for {
			select {
			case sig := <-signals:
				cancel()
				if came.atOnce(sig, now()) {
					close(aborted)
					time.AfterFunc(abortWithin, func() { os.Exit(exitFailed) }) // whatever hangs even now
					return
				}
			case <-stopped:
				return
			}
		}
	}()
	return ctx, aborted, func() {
		signal.Stop(signals)
		close(stopped)
		<-done
		cancel()
	}
}
