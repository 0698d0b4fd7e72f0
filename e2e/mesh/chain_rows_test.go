package mesh

import (
	crand "crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// drainedUnderWriters drains the node that leads most while programs write to all chains.
func drainedUnderWriters(c *chainMesh) {
	chains := c.create(times(2, 20), 3)
	leads := map[int]int{}
	for n, chain := range chains {
		c.write(chain, five[n%len(five)])
		leads[c.info(chain).leader]++
	}
	drained := five[0]
	for id, n := range leads {
		if n > leads[drained] || n == leads[drained] && id < drained {
			drained = id
		}
	}
	c.goesOn("before the drain", c.writers...)
	for _, w := range c.writers {
		w.waits()
	}
	c.refused(2, "chain", "create", "more", "--subject", fmt.Sprintf("chain%d.new", chains[0]), "--yes", "--reason", "it would be stored twice")

	began := time.Now()
	c.eventually(1+drained%5, "admin", "drain", "--node", strconv.Itoa(drained), "--yes", "--reason", "test")
	for _, chain := range chains {
		c.leaves(chain, drained)
	}
	took, p99, most := time.Since(began), time.Duration(0), time.Duration(0)
	for _, w := range c.writers {
		p, m := w.waits()
		p99, most = max(p99, p), max(most, m)
	}
	c.t.Logf("node %d, which led %d of %d chains, was empty after %s; of a hundred publishes 99 took %s at most, the longest %s",
		drained, leads[drained], len(chains), took.Round(10*time.Millisecond), p99.Round(time.Millisecond), most.Round(time.Millisecond))

	if i := c.info(c.create(1, 3)[0]); slices.Contains(i.holders, drained) {
		c.t.Errorf("a new chain was placed on the drained node %d: %+v", drained, i)
	}
	c.goesOn("drained", c.writers...)
	c.eventually(drained, "admin", "uncordon", "--node", strconv.Itoa(drained), "--yes", "--reason", "test")
	c.until(drained, "takes replicas again", func(s *meshosv1.Snapshot) bool { return !s.GetLocalMaintenance().GetCordoned() })
	for _, chain := range chains {
		c.sound(chain)
	}
}

// fault takes a node away. What it returns brings it back.
type fault struct {
	name string
	do   func(c *chainMesh, id int) (back func())
}

var (
	killed = fault{"killed", func(c *chainMesh, id int) func() {
		c.lab.Node(id).Kill()
		return func() { c.start(id) }
	}}
	stopped = fault{"stopped", func(c *chainMesh, id int) func() {
		pids := []int{c.lab.Node(id).PID(), c.plugin(id)}
		for _, pid := range pids {
			c.signal(pid, syscall.SIGSTOP)
		}
		return func() {
			for _, pid := range pids {
				c.signal(pid, syscall.SIGCONT)
			}
		}
	}}
	cutOff = fault{"cut off", func(c *chainMesh, id int) func() {
		c.lab.Net.Cut(without(five, id), []int{id})
		return c.lab.Net.Heal
	}}
)

// inTheMiddle takes a node away while a chain moves: the one that leads it, the one that gives
// its replica up, or the one that gets it.
func inTheMiddle(whom string, how fault) func(c *chainMesh) {
	return func(c *chainMesh) {
		size := times(8<<20, 64<<20)
		chain := c.create(1, 3)[0]
		c.fill(chain, size)
		i := c.settled(chain)
		target := without(five, i.holders...)[0]
		away := map[string]int{"leader": i.leader, "target": target, "source": slices.Max(without(i.holders, i.leader))}[whom]
		w := c.write(chain, without(five, away)[0])
		c.goesOn("before the move", w)

		c.lab.Net.Rate(size) // so that the move lasts
		c.move(chain, target)
		i = c.placed(chain, "the move has begun", func(i chainInfo) bool { return i.changing || slices.Contains(i.holders, target) })
		if !i.changing {
			c.t.Log("the move was over before the fault came")
		}
		back := how.do(c, away)
		c.lab.Net.Rate(0)
		c.goesOn(fmt.Sprintf("node %d, the %s, is %s", away, whom, how.name), w)
		i = c.leaves(chain, away)
		c.t.Logf("node %d, the %s, was %s while the chain moved to %d: then %v hold it", away, whom, how.name, target, i.holders)
		back()
		c.allHear(five...)
		c.settled(chain)
		c.goesOn("all nodes run again", w)
		_, most := w.waits()
		c.t.Logf("the longest time without an acknowledgement was %s", most.Round(time.Millisecond))
		c.sound(chain)
	}
}

// move orders that a node holds a chain, in place of one that does.
func (c *chainMesh) move(chain uint64, target int) {
	c.t.Helper()
	on := c.info(chain).leader
	c.eventually(on, c.breakGlass(on, "ice", "cutover", fmt.Sprint(chain), "--target", strconv.Itoa(target))...)
}

// aHolderComesBack kills a holder, which comes back before its session ends: nothing moves.
func aHolderComesBack(c *chainMesh) {
	chain := c.create(1, 3)[0]
	before := c.settled(chain)
	w := c.write(chain, before.leader)
	c.goesOn("before", w)
	id := without(before.holders, before.leader)[0]
	moves := c.moves(chain)
	back := killed.do(c, id)
	c.goesOn("a holder is away", w)
	back()
	c.allHear(five...)
	if after := c.settled(chain); !slices.Equal(after.holders, before.holders) {
		c.t.Logf("the session ended: %v held it, and %v do now", before.holders, after.holders)
	} else if n := c.moves(chain) - moves; n > 0 {
		c.t.Errorf("the holder came back, and %d moves were made", n)
	}
	c.sound(chain)
}

// aHolderLosesItsDisk kills a holder and removes all that its plugin has stored. Another node gets
// the replica, and the one that comes back without anything is a node like any other.
func aHolderLosesItsDisk(c *chainMesh) {
	chain := c.create(1, 3)[0]
	i := c.settled(chain)
	w := c.write(chain, i.leader)
	c.goesOn("before", w)
	id := without(i.holders, i.leader)[0]
	c.lab.Node(id).Kill()
	if err := os.RemoveAll(filepath.Join(c.lab.Node(id).Data(), "plugins", "mesh-nats")); err != nil {
		c.t.Fatal(err)
	}
	c.leaves(chain, id)
	c.goesOn("a holder is lost for good", w)
	c.start(id)
	c.allHear(five...)
	c.settled(chain)
	c.sound(chain)
}

// oneReplica kills the only holder of a chain: nothing is taken until it is back, and nothing is
// lost then.
func oneReplica(c *chainMesh) {
	chain := c.create(1, 1)[0]
	id := c.settled(chain).leader
	w := c.write(chain, without(five, id)[0])
	c.goesOn("before", w)
	back := killed.do(c, id)
	c.takesNothing(w)
	back()
	c.goesOn("the holder is back", w)
	c.allHear(five...)
	c.sound(chain)
}

// twoReplicas kills one of two holders: nothing is taken until it is back.
func twoReplicas(c *chainMesh) {
	chain := c.create(1, 2)[0]
	i := c.settled(chain)
	for _, id := range i.holders {
		w := c.write(chain, without(five, id)[0])
		c.goesOn("before", w)
		back := killed.do(c, id)
		c.takesNothing(w)
		back()
		c.goesOn("both holders are there", w)
		c.allHear(five...)
		c.settled(chain)
	}
	c.sound(chain)
}

// takesNothing fails the test if something is acknowledged that was not under way when the fault
// came.
func (c *chainMesh) takesNothing(w *writer) {
	c.t.Helper()
	var last error
	c.wait(func() string { return fmt.Sprintf("chain %d takes nothing: %v", w.chain, last) }, func() bool {
		_, last = w.so()
		return last != nil
	})
	before, _ := w.so()
	c.wait(func() string { return "the time is over" }, func() func() bool {
		began := time.Now()
		return func() bool { return time.Since(began) > 3*time.Second }
	}())
	if now, _ := w.so(); now != before {
		c.t.Errorf("chain %d has no quorum, and %d messages were acknowledged", w.chain, now-before)
	}
}

// twentyChainsInAStorm kills, stops and cuts nodes off while twenty programs write, and kills
// all of them at last.
func twentyChainsInAStorm(c *chainMesh) {
	chains := c.create(20, 3)
	for n, chain := range chains {
		c.write(chain, five[n%len(five)])
	}
	c.goesOn("before", c.writers...)
	storm := []fault{killed, killed, killed, killed, stopped, stopped, stopped, stopped, cutOff, cutOff, cutOff}
	c.drawn.Shuffle(len(storm), func(i, j int) { storm[i], storm[j] = storm[j], storm[i] })
	for _, f := range storm {
		id := 1 + c.drawn.IntN(len(five))
		back := f.do(c, id)
		pause(c.t.Context(), time.Duration(c.drawn.IntN(12_000))*time.Millisecond) // a random time, which a session may outlive
		back()
		c.allHear(five...)
		c.t.Logf("node %d was %s", id, f.name)
	}
	for _, id := range five {
		c.lab.Node(id).Kill()
	}
	c.start(five...)
	c.allHear(five...)
	for _, chain := range chains {
		c.settled(chain)
	}
	c.goesOn("after the storm", c.writers...)
	most := time.Duration(0)
	for _, w := range c.writers {
		_, m := w.waits()
		most = max(most, m)
	}
	c.t.Logf("the longest time without an acknowledgement was %s", most.Round(time.Millisecond))
	for _, chain := range chains {
		c.sound(chain)
	}
}

// aBigChainOverASlowLink moves a chain over links that take a while for it. It is moved once.
func aBigChainOverASlowLink(c *chainMesh) {
	const size, rate = 256 << 20, 20 << 20
	chain := c.create(1, 3)[0]
	c.fill(chain, size)
	i := c.settled(chain)
	target := without(five, i.holders...)[0]
	w := c.write(chain, i.leader)
	c.lab.Net.Rate(rate)
	began := time.Now()
	c.move(chain, target)
	after := c.placed(chain, "it has moved", func(i chainInfo) bool { return c.whole(chain, i) && slices.Contains(i.holders, target) })
	c.t.Logf("%d MB moved over links of %d MB/s in %s", size>>20, rate>>20, time.Since(began).Round(100*time.Millisecond))
	c.lab.Net.Rate(0)
	c.goesOn("moved", w)
	if stayed := len(i.holders) - len(without(i.holders, after.holders...)); stayed != 2 {
		c.t.Errorf("more than one replica moved: %v held it, and %v do", i.holders, after.holders)
	}
	c.sound(chain)
}

// manyChainsAreLed makes many chains, and kills a node: all are led again soon.
func manyChainsAreLed(c *chainMesh) {
	began := time.Now()
	chains := c.create(*manyChains, 3)
	c.t.Logf("%d chains of three were placed after %s, led by %v", len(chains), time.Since(began).Round(100*time.Millisecond), c.led(chains))
	lost := 1 + c.drawn.IntN(len(five))
	began = time.Now()
	back := killed.do(c, lost)
	waiting := chains
	c.wait(func() string { return fmt.Sprintf("all chains are led again; not so are %v", waiting) }, func() bool {
		waiting = slices.DeleteFunc(slices.Clone(waiting), func(chain uint64) bool { l := c.info(chain).leader; return l != 0 && l != lost })
		return len(waiting) == 0
	})
	c.t.Logf("without node %d all were led again after %s, by %v", lost, time.Since(began).Round(100*time.Millisecond), c.led(chains))
	back()
	c.allHear(five...)
	for _, chain := range chains {
		c.settled(chain)
	}
	c.t.Logf("with it again they are led by %v", c.led(chains))
}

// led returns how many chains each node leads.
func (c *chainMesh) led(chains []uint64) map[int]int {
	out := map[int]int{}
	for _, chain := range chains {
		out[c.info(chain).leader]++
	}
	return out
}

// fill publishes messages of some size together to a chain.
func (c *chainMesh) fill(chain uint64, size int) {
	c.t.Helper()
	const one = 256 << 10
	js, err := c.nc.JetStream(nats.PublishAsyncMaxPending(16))
	if err != nil {
		c.t.Fatal(err)
	}
	data := make([]byte, one)
	for i := range size / one {
		_, _ = crand.Read(data) // what the engine can't compress
		c.wait(func() string { return fmt.Sprintf("chain %d is filled", chain) }, func() bool {
			_, err := js.Publish(fmt.Sprintf("chain%d.fill", chain), data, nats.MsgId(fmt.Sprint("fill", i)), nats.AckWait(5*time.Second))
			return err == nil
		})
	}
}
