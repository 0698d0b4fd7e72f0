package pluginsdk

import (
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Facts are what the collectors of an InventoryProbe measured last of one node, and when: for
// a probe that measures in the background and answers from memory. Its Sample has the age of
// each fact, so a collector that hangs is not taken for one that measures the same again: the
// host drops what was measured more than sample_ttl ago.
//
// A collector is whatever measures some facts together; the probe names it. The zero value
// has no facts and is ready to use. Facts are safe for concurrent use.
type Facts struct {
	mu         sync.Mutex
	collectors []collected // in the order in which they first measured something
}

// collected is what one collector measured last.
type collected struct {
	name  string
	facts *meshosv1.PeerInventory
	at    time.Time
}

// Measured takes over what a collector has measured just now, in place of what it measured
// before. The facts belong to f from now on.
func (f *Facts) Measured(collector string, facts *meshosv1.PeerInventory) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := collected{name: collector, facts: facts, at: time.Now()}
	if i := f.index(collector); i >= 0 {
		f.collectors[i] = now
		return
	}
	f.collectors = append(f.collectors, now)
}

// Forget drops what a collector has measured: it is known to be no longer true.
func (f *Facts) Forget(collector string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := f.index(collector); i >= 0 {
		f.collectors = slices.Delete(f.collectors, i, i+1)
	}
}

func (f *Facts) index(collector string) int {
	return slices.IndexFunc(f.collectors, func(c collected) bool { return c.name == collector })
}

// Sample returns all facts of the node with their ages, or nil if there are none. If two
// collectors know the same fact, it is that of the one that came later; lists are joined, and
// are as old as their oldest part. Ages below a second are left out: they mean now.
func (f *Facts) Sample(node uint64) *meshosv1.PeerInventory {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.collectors) == 0 {
		return nil
	}
	out := &meshosv1.PeerInventory{}
	ages := make(map[string]*durationpb.Duration)
	now := time.Now()
	for _, c := range f.collectors {
		age := now.Sub(c.at).Truncate(time.Millisecond)
		c.facts.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			name := string(field.Name())
			if before := ages[name]; before == nil || !field.IsList() || before.AsDuration() < age {
				ages[name] = durationpb.New(age)
			}
			return true
		})
		proto.Merge(out, c.facts)
	}
	for _, name := range []string{"peer", "ages", "capabilities", "software_version", "forked_from"} {
		delete(ages, name) // these do not age
	}
	for name, age := range ages {
		if age.AsDuration() < time.Second {
			delete(ages, name)
		}
	}
	out.Peer, out.Ages = node, ages
	return out
}
