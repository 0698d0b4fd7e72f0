package catalog

import (
	"sync"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// write fills memory as an answer of a round does.
func write(samples []mesh.RTTSample, round uint64) []mesh.RTTSample {
	for i := range samples {
		samples[i] = mesh.RTTSample{Peer: mesh.NodeID(i + 2), RTT: time.Duration(round), Echoes: mesh.Echoes{Round: round}}
	}
	return samples
}

func TestTheMemoryOfAFoldedAnswerIsUsedAgain(t *testing.T) {
	var m rttMemory
	one := write(m.take(3), 1)
	m.came(one, time.Unix(1, 0))
	m.folded(one)
	if two := m.take(3); sameMemory(one, two) {
		t.Fatal("the last answer, which people can ask for, is written over")
	} else {
		m.came(write(two, 2), time.Unix(2, 0))
	}
	three := m.take(2)
	if !sameMemory(one, three) {
		t.Error("an answer that was folded and is not the last one keeps its memory")
	}
	if four := m.take(3); sameMemory(four, three) || sameMemory(four, one) {
		t.Error("memory is given to two answers")
	}
	if s, at, found := m.of(3); !found || s.Round != 2 || !at.Equal(time.Unix(2, 0)) {
		t.Errorf("the last sample is %v of %v", s, at)
	}
	if _, _, found := m.of(99); found {
		t.Error("there is a sample of a stranger")
	}
}

func TestAnAnswerThatWasNotFoldedKeepsItsMemory(t *testing.T) {
	var m rttMemory
	var kept [][]mesh.RTTSample
	for round := range uint64(4) {
		samples := write(m.take(2), round)
		m.came(samples, time.Unix(0, 0))
		kept = append(kept, samples)
	}
	m.folded(nil)
	for round, samples := range kept {
		if samples[0].Round != uint64(round) || samples[1].Round != uint64(round) {
			t.Errorf("the answer of round %d is %v", round, samples)
		}
	}
}

// The last answer is asked for while the next one comes and is folded.
func TestTheLastAnswerIsReadWhileTheNextComes(t *testing.T) {
	var m rttMemory
	var reading sync.WaitGroup
	quit := make(chan struct{})
	reading.Go(func() {
		for {
			select {
			case <-quit:
				return
			default:
			}
			if s, _, found := m.of(40); found && uint64(s.RTT) != s.Round {
				t.Errorf("a sample of two rounds: %v", s)
				return
			}
		}
	})
	for round := range uint64(500) {
		samples := write(m.take(64), round)
		m.came(samples, time.Unix(0, 0))
		m.folded(samples)
	}
	close(quit)
	reading.Wait()
}
