package mesh

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// message is one of a chain, as it is stored.
type message struct {
	place         uint64
	subject, data string
}

// copyOf returns what a node has stored of a chain, from the files themselves: nobody is asked
// who might answer for another one. It returns no error where nothing is stored.
func (w *world) copyOf(id int, chain uint64) (out []message, err error) {
	files, err := filepath.Glob(filepath.Join(w.chainDir(id, chain), "msgs", "*.blk"))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b string) int { return blockNumber(a) - blockNumber(b) })
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		part, err := messagesOf(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		out = append(out, part...)
	}
	return out, nil
}

func blockNumber(file string) int {
	n, _ := strconv.Atoi(strings.TrimSuffix(filepath.Base(file), ".blk"))
	return n
}

// brief returns what a message has in it; of a long one, its hash.
func brief(data []byte) string {
	if len(data) <= sha256.Size {
		return string(data)
	}
	sum := sha256.Sum256(data)
	return string(sum[:])
}

// chainDir returns the folder in which a node stores a chain; "nothing" below its data if it
// stores none.
func (w *world) chainDir(id int, chain uint64) string {
	found := filepath.Join(w.lab.Node(id).Data(), "nothing")
	_ = filepath.WalkDir(filepath.Join(w.lab.Node(id).Data(), "plugins", "mesh-nats"), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return nil
		case filepath.Base(filepath.Dir(path)) != "streams":
			return nil
		case d.Name() == fmt.Sprint("c", chain):
			found = path
			return fs.SkipAll
		}
		return fs.SkipDir
	})
	return found
}

// messagesOf reads a block of messages, as the engine writes it.
func messagesOf(block []byte) (out []message, err error) {
	const header, hash = 22, 8
	const withHeaders, erased, tombstone = 1 << 31, 1 << 63, 1 << 62
	for len(block) > 0 {
		if len(block) < header {
			return nil, errors.New("the last record is cut off")
		}
		length, place := binary.LittleEndian.Uint32(block), binary.LittleEndian.Uint64(block[4:])
		subject := int(binary.LittleEndian.Uint16(block[20:]))
		size := int(length &^ withHeaders)
		if size > len(block) || size < header+subject+hash {
			return nil, errors.New("a record is cut off")
		}
		body := block[header : size-hash]
		if place&(erased|tombstone) == 0 && place != 0 {
			m := message{place: place, subject: string(body[:subject])}
			body = body[subject:]
			if length&withHeaders != 0 {
				if len(body) < 4 || int(binary.LittleEndian.Uint32(body)) > len(body)-4 {
					return nil, errors.New("headers are cut off")
				}
				body = body[4+binary.LittleEndian.Uint32(body):]
			}
			m.data = brief(body)
			out = append(out, m)
		}
		block = block[size:]
	}
	return out, nil
}

// sound ends the writers of a chain, and fails the test unless each message that was acknowledged
// is there once and in order, for programs and in each of the copies, which are equal.
func (c *chainMesh) sound(chain uint64) {
	c.t.Helper()
	var writers []*writer
	for _, w := range c.writers {
		if w.chain == chain {
			w.end()
			writers = append(writers, w)
		}
	}
	c.writers = slices.DeleteFunc(c.writers, func(w *writer) bool { return w.chain == chain })
	first := c.equalCopies(chain)
	for _, w := range writers {
		c.complete(w, first)
	}
	c.read(chain, first)
}

// equalCopies waits until all holders have stored the same of a chain, and returns it.
func (c *chainMesh) equalCopies(chain uint64) (first []message) {
	c.t.Helper()
	why := ""
	c.wait(func() string {
		return fmt.Sprintf("the copies of chain %d are equal: %s\n%s", chain, why, c.said(chain))
	}, func() bool {
		i := c.info(chain)
		holders := i.live()
		if len(holders) < c.replicas[chain] || i.changing {
			why = "too few hold it"
			return false
		}
		for n, id := range holders {
			got, err := c.copyOf(id, chain)
			if err != nil {
				why = err.Error() // it writes
				return false
			}
			if n == 0 {
				first = got
			} else if at := differs(first, got); at >= 0 {
				why = fmt.Sprintf("node %d has %d messages and node %d has %d, and they differ from the one at %d on", holders[0], len(first), id, len(got), at+1)
				return false
			}
		}
		if uint64(len(first)) != i.messages {
			why = fmt.Sprintf("%d are stored, and the leader says %d", len(first), i.messages)
			return false
		}
		return true
	})
	return first
}

// differs returns where two copies differ first; -1 if they don't.
func differs(a, b []message) int {
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			return i
		}
	}
	return -1
}

// complete fails the test unless what a writer had acknowledged is there once and in order. One
// more may be there that was not acknowledged.
func (c *chainMesh) complete(w *writer, stored []message) {
	c.t.Helper()
	acked, _ := w.so()
	n := 0
	for _, m := range stored {
		if m.subject != w.subject {
			continue
		}
		n++
		if want := fmt.Sprintf("%s %d", w.name, n); m.data != want {
			c.t.Fatalf("chain %d has %q at %d, where %q belongs: something is lost, doubled or out of order", w.chain, m.data, m.place, want)
		}
	}
	if n < acked || n > acked+1 {
		c.t.Fatalf("chain %d has %d messages of %s, and %d were acknowledged", w.chain, n, w.name, acked)
	}
	c.messages += acked
}

// read fails the test unless a program reads what is stored.
func (c *chainMesh) read(chain uint64, stored []message) {
	c.t.Helper()
	sub, err := c.js.SubscribeSync(fmt.Sprintf("chain%d.>", chain), nats.OrderedConsumer(), nats.BindStream(fmt.Sprint("c", chain)))
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	for i, want := range stored {
		m, err := sub.NextMsg(patience)
		if err != nil {
			c.t.Fatalf("message %d of %d of chain %d can't be read: %v", i+1, len(stored), chain, err)
		}
		if m.Subject != want.subject || brief(m.Data) != want.data {
			c.t.Fatalf("chain %d: message %d is %q when it is read, and %q on disk", chain, i+1, m.Data, want.data)
		}
	}
}

// noStaleCopies waits until nobody stores a chain but those who hold it.
func (c *chainMesh) noStaleCopies(chain uint64) {
	c.t.Helper()
	stale := 0
	c.wait(func() string {
		return fmt.Sprintf("node %d no longer stores chain %d, which it does not hold: %s", stale, chain, c.said(chain))
	}, func() bool {
		holders := c.info(chain).holders
		for _, id := range five {
			if _, err := os.Stat(c.chainDir(id, chain)); err == nil && !slices.Contains(holders, id) {
				stale = id
				return false
			}
		}
		return true
	})
}

// chainInfo is how a chain is, as its leader says.
type chainInfo struct {
	leader   int // 0: none answers
	holders  []int
	dead     []int // holders that are not there, or lack something
	coming   []int // are to hold it
	changing bool
	messages uint64
}

func (i chainInfo) live() []int { return without(i.holders, i.dead...) }

// info asks how a chain is.
func (c *chainMesh) info(chain uint64) (out chainInfo) {
	i, err := c.js.StreamInfo(fmt.Sprint("c", chain), nats.MaxWait(2*time.Second))
	if err != nil || i.Cluster == nil {
		return out
	}
	out.messages = i.State.Msgs
	if out.leader = c.byServer(i.Cluster.Leader); out.leader != 0 {
		out.holders = append(out.holders, out.leader)
	}
	for _, p := range i.Cluster.Replicas {
		id := c.byServer(p.Name)
		if id == 0 {
			continue
		}
		out.holders = append(out.holders, id)
		if p.Offline || !p.Current || p.Active > 4*time.Second {
			out.dead = append(out.dead, id)
		}
	}
	if d := i.Cluster.Desired; d != nil {
		out.changing = true
		for _, p := range d.Replicas {
			if id := c.byServer(p.Name); id != 0 && !slices.Contains(out.holders, id) {
				out.coming = append(out.coming, id)
			}
		}
	}
	slices.Sort(out.holders)
	return out
}

// byServer returns the node of a server of the engine; 0 if it is none.
func (c *chainMesh) byServer(name string) (id int) {
	_, _ = fmt.Sscanf(name, "hub-%d", &id)
	return id
}
