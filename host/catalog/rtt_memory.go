package catalog

import (
	"sync"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// rttMemory is the last answer of a locality probe, and the memory for the next one: that of an
// answer whose reader is through with it, and that is not the last one any more. Without it each
// tick would leave as much garbage as there are peers.
type rttMemory struct {
	mu   sync.Mutex
	last []mesh.RTTSample
	at   time.Time // when it came
	read bool      // the reader of the last answer is through with it
	free []mesh.RTTSample
}

// take returns memory for so many samples, whose content does not matter.
func (m *rttMemory) take(n int) []mesh.RTTSample {
	m.mu.Lock()
	free := m.free
	m.free = nil
	m.mu.Unlock()
	if cap(free) < n {
		return make([]mesh.RTTSample, n)
	}
	return free[:n]
}

// came keeps the last answer.
func (m *rttMemory) came(samples []mesh.RTTSample, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.read {
		m.free = m.last
	}
	m.last, m.at, m.read = samples, at, false
}

// folded takes back the samples of an answer.
func (m *rttMemory) folded(samples []mesh.RTTSample) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case cap(samples) == 0:
	case sameMemory(samples, m.last):
		m.read = true
	default:
		m.free = samples
	}
}

func sameMemory(a, b []mesh.RTTSample) bool {
	return cap(a) > 0 && cap(b) > 0 && &a[:1][0] == &b[:1][0]
}

// of returns the last sample of a peer, and when it came.
func (m *rttMemory) of(peer mesh.NodeID) (sample mesh.RTTSample, at time.Time, found bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.last {
		if s.Peer == peer {
			return s, m.at, true
		}
	}
	return mesh.RTTSample{}, time.Time{}, false
}
