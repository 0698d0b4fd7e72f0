package sign

import (
	"context"
	"fmt"
	"time"
)

// quickAgent is how long an ssh-agent that has nothing to ask takes at most: what lasts longer
// is said.
const quickAgent = 200 * time.Millisecond

// SilentAgentError is an ssh-agent that does not answer in time.
type SilentAgentError struct {
	Socket string
	What   string // what it did not do
	After  time.Duration
	Hint   string
}

// Error implements error.
func (e *SilentAgentError) Error() string {
	return fmt.Sprintf("the ssh-agent did not %s within %v: nothing was signed or sent\n    its socket is %s ($SSH_AUTH_SOCK); %s", e.What, e.After, e.Socket, e.Hint)
}

// Timeout reports that this is an error of time, as errors of package net do.
func (e *SilentAgentError) Timeout() bool { return true }

// sayWait has the operator told what is waited for, once that takes longer than an answer of a
// program. The caller calls the returned function when the wait is over.
func (s *Signer) sayWait(what string) (over func()) {
	timer := time.NewTimer(quickAgent)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() { // waited for below
		defer close(ended)
		select {
		case <-timer.C:
			s.Note(what)
		case <-stop:
		}
	}()
	return func() {
		timer.Stop()
		close(stop)
		<-ended
	}
}

// askAgent calls f, which asks the ssh-agent, and says so if it takes long. hangUp makes f
// return; it is called when ctx ends, and at the limit if that is not 0.
func (s *Signer) askAgent(ctx context.Context, what, hint string, limit time.Duration, hangUp func(), f func() error) error {
	words := "waiting for the ssh-agent to " + what
	within := ctx
	if limit > 0 {
		words += fmt.Sprintf(", for %v at most (--timeout)", limit)
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	defer s.sayWait(words + "; " + hint)()
	defer context.AfterFunc(within, hangUp)()
	err := f()
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case err != nil && within.Err() != nil:
		return &SilentAgentError{Socket: s.AgentSocket, What: what, After: limit, Hint: hint}
	}
	return err
}
