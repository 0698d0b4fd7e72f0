package state

import "github.com/meshos/meshos/host/mesh"

// Tick begins the pass of a regular tick: it moves the clock and ends everything whose time is
// over. What ends exactly now is over.
func (s *State) Tick(at mesh.Stamp) {
	s.ticks++
	s.takeSlice()
	s.tickAt(at)
}

// EarlyTick begins a pass that does not wait for the next regular tick. It is a Tick that does
// not count as one.
func (s *State) EarlyTick(at mesh.Stamp) {
	s.noSlice()
	s.tickAt(at)
}

func (s *State) tickAt(at mesh.Stamp) {
	s.now, s.wall = max(s.now, at.At), at.Wall
	s.pass++
	s.wake()
	if s.frozen && s.now >= s.freezeUntil {
		s.frozen = false
	}
	s.tickPeers()
	s.expireMigrations()
	s.sweepChains()
	s.sweepBlobs()
	s.tickForced()
	s.tickLedger()
	s.tickDaemons()
	s.tickChains()
	s.tickMaintenance()
	s.noteFacts(s.node)
	s.tickLeading()
	s.noteWhole()
}
