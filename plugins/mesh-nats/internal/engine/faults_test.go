package engine

import (
	"errors"
	"slices"
	"testing"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
)

// stop ends a server. The others notice that it is silent.
func (l *lab) stop(name string) {
	l.Helper()
	n := l.nodes[name]
	n.nc.Close()
	n.srv.Shutdown()
	n.srv.WaitForShutdown()
}

// follows reports whether a server leads neither the cluster nor a stream.
func (l *lab) follows(name string, streams ...string) bool {
	return !l.nodes[name].srv.JetStreamIsLeader() && !slices.ContainsFunc(streams, func(s string) bool { return l.leader(s) == name })
}

func TestServersThatEnd(t *testing.T) {
	l := newLab(t, 5)
	l.must(chains.Change{Kind: chains.Create, Stream: "c2", Targets: []string{"a", "b"}, Replicas: 2}, "a", "b")
	l.must(chains.Change{Kind: chains.Create, Stream: "c3", Targets: []string{"a", "b", "c"}, Replicas: 3}, "a", "b", "c")
	l.write("c2", 100, 1<<10)
	l.write("c3", 600, 128<<10)
	w := l.startWriter("a", "c3")

	// A target that ends while it gets the replica is not left as a holder without a word.
	target := "e"
	if !l.follows("e") {
		target = "d"
	}
	leader := l.leader("c3")
	victim := map[bool]string{true: "b", false: "c"}[leader == "c"]
	ended := false
	err := l.make(chains.Change{Kind: chains.Swap, Stream: "c3", Self: leader, Targets: []string{target}, Victim: victim}, func(m *chains.Move) {
		if m.Last().Changing && !ended {
			ended = true
			l.stop(target)
		}
	})
	var cancelled *chains.CancelledError
	free := map[bool]string{true: "d", false: "e"}[target == "e"]
	if !ended { // it was done before it was seen
		l.stop(target)
	}
	if errors.As(err, &cancelled) && l.info("c3").Holds(target) {
		t.Errorf("%v, and %s holds it", err, target)
	}
	if l.info("c3").Holds(target) { // it got all before it ended, or was added dead
		l.surely(chains.Change{Kind: chains.Swap, Stream: "c3", Self: "a", Targets: []string{victim}, Victim: target})
	}
	l.settled("c3")
	l.held("c3", "a", "b", "c")
	l.complete("c3", w.stop())

	// One of two copies is gone, and with it the quorum.
	l.stop("b")
	c := chains.Change{Kind: chains.Replace, Stream: "c2", Self: "a", Targets: []string{free}, Victim: "b"}
	if err := l.make(c, nil); err != nil {
		t.Fatal(err)
	}
	l.settled("c2")
	l.held("c2", sorted("a", free)...)
	if i := l.info("c2"); i.Last != 100 {
		t.Errorf("%d messages are left of 100", i.Last)
	}
}
