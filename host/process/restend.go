package process

// restEnd calls the Rest of a Spec, if the program was executed.
type restEnd struct {
	rest     func()
	executed bool
	decided  chan struct{} // closed when executed is known
}

func newRestEnd(rest func()) *restEnd {
	if rest == nil {
		return nil
	}
	return &restEnd{rest: rest, decided: make(chan struct{})}
}

// decide says whether the program was executed. It is called once.
func (r *restEnd) decide(executed bool) {
	if r != nil {
		r.executed = executed
		close(r.decided)
	}
}

// end ends what is left, and reports false if there was no program: then only a helper is.
func (r *restEnd) end() bool {
	<-r.decided
	if r.executed {
		r.rest()
	}
	return r.executed
}
