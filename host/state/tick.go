package state

import "github.com/meshos/meshos/host/mesh"

// Tick begins a pass: it moves the clock and ends everything whose time is over. What ends
// exactly now is over.
func (s *State) Tick(at mesh.Stamp) {
	s.now, s.wall = max(s.now, at.At), at.Wall
	s.tick++
	s.expireAvoidList()
	if s.frozen && s.now >= s.freezeUntil {
		s.frozen = false
	}
	s.expireSamples()
	s.judgeEchoes()
	s.letOut()
	s.expireMigrations()
	s.sweepChains()
	s.sweepBlobs()
	s.tickForced()
	s.tickLedger()
	s.tickDaemons()
	s.tickReturned()
	s.tickRebalances()
	s.tickMaintenance()
}
