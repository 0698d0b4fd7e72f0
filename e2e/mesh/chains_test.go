package mesh

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

var manyChains = flag.Int("mesh.chains", 1000, "how many chains the row of many chains makes, with -mesh.for")

// chainMesh is a mesh whose nodes hold chains, and programs that use them.
type chainMesh struct {
	*world
	nc       *nats.Conn // of a program that looks on
	js       nats.JetStreamContext
	created  uint64 // the id of the newest chain
	replicas map[uint64]int
	writers  []*writer
	named    int // writers so far
	messages int // that were acknowledged, and found
}

// chainRow is a fault, or an order, and what must hold of chains. All nodes run before it, and
// after it.
type chainRow struct {
	name string
	run  func(c *chainMesh)
	long bool // only where rows may take their time
}

func TestChainsThroughFaults(t *testing.T) {
	w := newWorld(t, 5)
	w.lab.Chains = true
	w.found(5, five...)
	c := &chainMesh{world: w, replicas: map[uint64]int{}, nc: w.program(five...)}
	t.Cleanup(func() {
		for _, w := range c.writers {
			w.end()
		}
		c.nc.Close()
	})
	var err error
	if c.js, err = c.nc.JetStream(); err != nil {
		t.Fatal(err)
	}
	rows := []chainRow{
		{name: "a node is drained under writers", run: drainedUnderWriters},
		{name: "the leader is killed in the middle of a move", run: inTheMiddle("leader", killed)},
		{name: "the leader is stopped in the middle of a move", run: inTheMiddle("leader", stopped), long: true},
		{name: "the leader is cut off in the middle of a move", run: inTheMiddle("leader", cutOff), long: true},
		{name: "the source is killed in the middle of a move", run: inTheMiddle("source", killed), long: true},
		{name: "the source is stopped in the middle of a move", run: inTheMiddle("source", stopped), long: true},
		{name: "the source is cut off in the middle of a move", run: inTheMiddle("source", cutOff), long: true},
		{name: "the target is killed in the middle of a move", run: inTheMiddle("target", killed), long: true},
		{name: "the target is stopped in the middle of a move", run: inTheMiddle("target", stopped), long: true},
		{name: "the target is cut off in the middle of a move", run: inTheMiddle("target", cutOff), long: true},
		{name: "a holder is lost and comes back at once", run: aHolderComesBack, long: true},
		{name: "a holder is lost with its disk", run: aHolderLosesItsDisk, long: true},
		{name: "one replica", run: oneReplica, long: true},
		{name: "two replicas", run: twoReplicas, long: true},
		{name: "twenty chains in a storm", run: twentyChainsInAStorm, long: true},
		{name: "a big chain over a slow link", run: aBigChainOverASlowLink, long: true},
		{name: "many chains", run: manyChainsAreLed, long: true},
	}
	c.play(rows)
}

// play runs the rows one after the other; where they may take their time, in random order and
// for as long as was asked for.
func (c *chainMesh) play(rows []chainRow) {
	t, drawn := c.t, *seed
	if drawn == 0 {
		drawn = rand.Uint64()
	}
	c.drawn = rand.New(rand.NewPCG(drawn, drawn))
	t.Logf("what is random is drawn from -mesh.seed=%d", drawn)
	if !long() {
		for _, r := range rows {
			if !r.long {
				c.playOne(t, r)
			}
		}
		return
	}
	for began, left := time.Now(), []int(nil); time.Since(began) < *longFor; left = left[1:] {
		if len(left) == 0 {
			left = c.drawn.Perm(len(rows))
		}
		c.playOne(t, rows[left[0]])
	}
}

func (c *chainMesh) playOne(t *testing.T, r chainRow) {
	ok := t.Run(r.name, func(t *testing.T) {
		began, messages := time.Now(), c.messages
		c.t = t
		r.run(c)
		c.deleteAll()
		c.allHear(five...)
		t.Logf("took %s, %d messages were acknowledged and found", time.Since(began).Round(100*time.Millisecond), c.messages-messages)
	})
	c.t = t
	if !ok {
		t.FailNow() // the mesh may not be whole
	}
}

// create makes chains, and waits until they are held and led.
func (c *chainMesh) create(count, replicas int) (ids []uint64) {
	c.t.Helper()
	for range count {
		c.created++
		ids = append(ids, c.created)
		c.replicas[c.created] = replicas
	}
	queue := make(chan uint64)
	var all sync.WaitGroup
	for range min(count, 8) {
		all.Go(func() {
			for chain := range queue {
				c.order(chain, false)
			}
		})
	}
	for _, chain := range ids {
		queue <- chain
	}
	close(queue)
	all.Wait()
	if c.t.Failed() {
		c.t.FailNow()
	}
	for _, chain := range ids {
		c.settled(chain)
	}
	return ids
}

// order has the mesh have a chain, or not have it any more.
func (c *chainMesh) order(chain uint64, deleted bool) {
	command := &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_SetChain{SetChain: &meshosv1.SetChain{
		Chain: chain, Name: fmt.Sprint("chain", chain), Replicas: uint32(c.replicas[chain]), Deleted: deleted,
		Stream: &meshosv1.ChainStream{Subjects: []string{fmt.Sprintf("chain%d.>", chain)}},
	}}}
	var err error
	for began := time.Now(); time.Since(began) < patience; {
		ctx, cancel := context.WithTimeout(c.t.Context(), patience)
		err = c.publishEvent(ctx, 1, "test", command)
		cancel()
		if err == nil {
			return
		}
		pause(c.t.Context(), between)
	}
	c.t.Errorf("chain %d is not ordered within %s: %v", chain, patience, err)
}

// deleteAll deletes all chains, after a look that nobody stores one that it does not hold, and
// waits until nobody stores any.
func (c *chainMesh) deleteAll() {
	c.t.Helper()
	all := slices.Sorted(maps.Keys(c.replicas))
	for _, chain := range all {
		c.noStaleCopies(chain)
	}
	for _, chain := range all {
		c.order(chain, true)
	}
	for _, chain := range all {
		c.noStaleCopies(chain)
	}
	clear(c.replicas)
}

// placed waits until a chain is as it has to be. A session may have to end first, and several
// moves may follow each other.
func (c *chainMesh) placed(chain uint64, what string, ok func(chainInfo) bool) (i chainInfo) {
	c.t.Helper()
	deadline := time.Now().Add(3 * patience)
	for time.Now().Before(deadline) {
		if i = c.info(chain); i.leader != 0 && ok(i) {
			return i
		}
		pause(c.t.Context(), between)
	}
	c.t.Fatalf("not within %s: %s\n%s", 3*patience, what, c.said(chain))
	return i
}

// settled waits until a chain has as many live holders as it has to, and nothing changes.
func (c *chainMesh) settled(chain uint64) chainInfo {
	c.t.Helper()
	return c.placed(chain, "it is held as it has to be, and nothing moves", func(i chainInfo) bool { return c.whole(chain, i) })
}

func (c *chainMesh) whole(chain uint64, i chainInfo) bool {
	return len(i.holders) == c.replicas[chain] && len(i.dead) == 0 && !i.changing
}

// leaves waits until a chain is whole and a node is not among its holders.
func (c *chainMesh) leaves(chain uint64, id int) chainInfo {
	c.t.Helper()
	return c.placed(chain, fmt.Sprintf("node %d does not hold it, and %d others do", id, c.replicas[chain]), func(i chainInfo) bool {
		return c.whole(chain, i) && !slices.Contains(i.holders, id)
	})
}

// said returns how a chain is, and what nodes said about it.
func (c *chainMesh) said(chain uint64) string {
	var b strings.Builder
	i := c.info(chain)
	fmt.Fprintf(&b, "chain %d: %+v", chain, i)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, id := range i.holders {
		if c.lab.Node(id).Running() {
			why, err := c.lab.Node(id).Run(ctx, "explain", "chain", fmt.Sprint(chain))
			fmt.Fprintf(&b, "\n%s: %s (%v)", c.lab.Node(id).Name, why, err)
		}
	}
	for _, n := range c.lab.Nodes() {
		for line := range strings.Lines(n.Said()) {
			if strings.Contains(line, fmt.Sprintf(`"subject":%d}`, chain)) || strings.Contains(line, fmt.Sprintf(`"chain":%d,`, chain)) {
				b.WriteString("\n" + n.Name + ": " + strings.TrimSpace(line))
			}
		}
	}
	return b.String()
}

// moves returns how many actions that place a chain nodes have carried out since they started.
func (c *chainMesh) moves(chain uint64) (n int) {
	for _, node := range c.lab.Nodes() {
		for line := range strings.Lines(node.Said()) {
			if strings.Contains(line, `"action done"`) && strings.Contains(line, fmt.Sprintf(`"request_placement","subject":%d}`, chain)) {
				n++
			}
		}
	}
	return n
}
