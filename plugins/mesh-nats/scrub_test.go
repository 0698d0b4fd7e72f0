package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/engine"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// oftenScrubbed has a machine look for rot all the time.
func oftenScrubbed(m *machine) { m.cfg.ChainsScrub, m.scrub = 1<<30, 500*time.Millisecond }

// recorded returns what the hosts were told to record that has a text in it.
func (w *world) recorded(text string) (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.machines {
		m.mu.Lock()
		for _, f := range m.failed {
			if strings.Contains(f, text) {
				out = append(out, f)
			}
		}
		m.mu.Unlock()
	}
	return out
}

// blocksOf returns the files in which a machine keeps the messages of a stream.
func (m *machine) blocksOf(stream string) []string {
	m.Helper()
	files, err := filepath.Glob(filepath.Join(m.dir, "hub", "cluster", "jetstream", "$G", "streams", stream, "msgs", "*.blk"))
	if err != nil {
		m.Fatal(err)
	}
	return files
}

// flip flips a bit in the middle of what a machine has stored of a stream.
func (m *machine) flip(stream string) {
	m.Helper()
	f, err := os.OpenFile(m.blocksOf(stream)[0], os.O_RDWR, 0)
	if err != nil {
		m.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		m.Fatal(err)
	}
	var b [1]byte
	at := info.Size() / 2
	if _, err := f.ReadAt(b[:], at); err != nil {
		m.Fatal(err)
	}
	b[0] ^= 1 << 4
	if _, err := f.WriteAt(b[:], at); err != nil {
		m.Fatal(err)
	}
}

// fill publishes messages, and waits until all holders of the chain have written them.
func (c *chainHosts) fill(t *testing.T, all []*machine, nc *nats.Conn, chain uint64, subject string, messages int) {
	t.Helper()
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	for i := range messages {
		c.until(fmt.Sprintf("message %d is stored", i), func() bool {
			_, err := js.Publish(subject, fmt.Appendf(nil, "message %d of many", i), nats.MsgId(fmt.Sprint(i)))
			return err == nil
		})
	}
	c.whole(t, all, chain, messages)
}

// whole waits until three machines hold a chain, each with all of its messages in sound files.
func (c *chainHosts) whole(t *testing.T, all []*machine, chain uint64, messages int) {
	t.Helper()
	c.become(chain, fmt.Sprintf("three hold all %d messages", messages), func(_ uint64, holders []uint64) bool {
		sound := 0
		for _, id := range holders {
			stream := fmt.Sprintf("c%d", chain)
			dir := filepath.Join(all[id-1].dir, "hub", "cluster", "jetstream", "$G", "streams", stream)
			read, err := engine.ReadBlocks(t.Context(), dir, stream, func(context.Context, int64) error { return nil })
			stored := 0
			for _, sum := range read.Sums {
				stored += int(sum.Messages)
			}
			if err == nil && len(read.Faults) == 0 && stored == messages {
				sound++
			}
		}
		return len(holders) == 3 && sound == 3
	})
}

func TestRotIsFoundAndMended(t *testing.T) {
	c, all := newChains(t, oftenScrubbed)
	chain := func(id uint64, name string) *meshosv1.SetChain {
		return &meshosv1.SetChain{Chain: id, Name: name, Replicas: 3, Stream: &meshosv1.ChainStream{Subjects: []string{name + ".>"}}}
	}
	c.set(all, chain(1, "one"), chain(2, "two"), chain(3, "three"))
	nc, err := c.program(t, "a token of programs")
	if err != nil {
		t.Fatal(err)
	}
	for id, name := range []string{"one", "two", "three"} {
		c.become(uint64(id)+1, "three hold it", heldBy(3))
		c.fill(t, all, nc, uint64(id)+1, name+".x", 300)
	}
	followers := func(chain uint64) (leader uint64, followers []uint64) {
		leader, holders := c.become(chain, "three hold it", heldBy(3))
		return leader, slices.DeleteFunc(slices.Clone(holders), func(id uint64) bool { return id == leader })
	}

	_, others := followers(1)
	all[others[0]-1].flip("c1")
	c.until("the rot of a follower is recorded", func() bool {
		return len(c.recorded(fmt.Sprintf("chain 1 (one): the replica of node %[1]d (m%[1]d) has rotted: 1.blk is damaged at byte", others[0]))) > 0
	})

	leader, _ := followers(2)
	all[leader-1].flip("c2")
	c.until("the rot of a leader is recorded, and another one leads", func() bool {
		return len(c.recorded(fmt.Sprintf("the replica of node %[1]d (m%[1]d), which leads, has rotted", leader))) > 0 &&
			len(c.recorded(fmt.Sprintf("chain 2 (two): the replica of node %[1]d (m%[1]d) has rotted", leader))) > 0
	})

	_, others = followers(3)
	for _, id := range others {
		all[id-1].flip("c3")
	}
	for _, id := range others {
		c.until("the rot of both followers is recorded", func() bool {
			return len(c.recorded(fmt.Sprintf("chain 3 (three): the replica of node %[1]d (m%[1]d) has rotted", id))) > 0
		})
	}
	for id := range uint64(3) {
		c.whole(t, all, id+1, 300)
	}
}

// With no other node to take a replica, the rotten one begins again where it is.
func TestRotIsMendedInPlace(t *testing.T) {
	c, all := newChainsOn(t, 3, oftenScrubbed)
	c.set(all, &meshosv1.SetChain{Chain: 1, Name: "one", Replicas: 3, Stream: &meshosv1.ChainStream{Subjects: []string{"one.>"}}})
	nc, err := c.program(t, "a token of programs")
	if err != nil {
		t.Fatal(err)
	}
	leader, holders := c.become(1, "three hold it", heldBy(3))
	c.fill(t, all, nc, 1, "one.x", 300)
	follower := slices.DeleteFunc(slices.Clone(holders), func(id uint64) bool { return id == leader })[0]
	all[follower-1].flip("c1")
	c.until("the rot is recorded", func() bool {
		return len(c.recorded(fmt.Sprintf("the replica of node %[1]d (m%[1]d) has rotted", follower))) > 0
	})
	c.whole(t, all, 1, 300)
	if said := c.recorded("again"); len(said) > 0 {
		t.Errorf("it was not mended the first time: %q", said)
	}
}
