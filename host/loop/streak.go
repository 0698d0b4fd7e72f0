package loop

import "math/bits"

// streak counts the failures in a row of something that is called again and again, so
// that a failure is reported once and not at every tick.
type streak struct {
	reason   string
	length   int
	reported int
}

// maxReasons is how many different reasons of one streak are all reported. After that
// only failures number 16, 32, 64 … are, for callers whose reason is a new one each
// time.
const maxReasons = 8

// failed counts a failure and reports whether it is to be reported: it is the first of
// the streak, or its reason is new.
func (s *streak) failed(reason string) bool {
	fresh := s.length == 0 || reason != s.reason
	s.reason = reason
	s.length++
	if !fresh || s.reported >= maxReasons && bits.OnesCount(uint(s.length)) != 1 {
		return false
	}
	s.reported++
	return true
}

// ended ends the streak and returns how long it was; 0 if there was none.
func (s *streak) ended() int {
	n := s.length
	*s = streak{}
	return n
}
