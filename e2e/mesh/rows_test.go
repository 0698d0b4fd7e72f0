package mesh

import (
	"context"
	"flag"
	"math/rand/v2"
	"testing"
	"time"
)

var (
	longFor = flag.Duration("mesh.for", 0, "repeat the rows in random order for so long")
	seed    = flag.Uint64("mesh.seed", 0, "draw the order, and what is random in the rows, from this; 0: from one that is drawn")
)

// between is how long whoever orders one thing after the other waits.
const between = 100 * time.Millisecond

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// row is a fault, and what must hold. The mesh is whole before it, and after it.
type row struct {
	name string
	run  func(w *world, o *orders)
	// whole rows never end a seed, so none may lose anything that the others have to fill up.
	whole bool
}

// play runs rows one after the other in a mesh of five nodes, then in random order for as long
// as was asked for. After each of them all nodes must have one log, with each accepted order in
// it once.
func (w *world) play(rows []row) {
	t := w.t
	w.drawn = rand.New(rand.NewPCG(*seed, *seed))
	if *seed == 0 {
		drawn := rand.Uint64()
		w.drawn = rand.New(rand.NewPCG(drawn, drawn))
		t.Logf("what is random is drawn from -mesh.seed=%d", drawn)
	}
	began := time.Now()
	for _, r := range rows {
		w.playOne(t, r)
	}
	for time.Since(began) < *longFor {
		w.playOne(t, rows[w.drawn.IntN(len(rows))])
	}
}

func (w *world) playOne(t *testing.T, r row) {
	ok := t.Run(r.name, func(t *testing.T) {
		began := time.Now()
		w.t = t
		o := &orders{row: r.name}
		lost := w.losses()
		r.run(w, o)
		w.cordon(o, 1+w.drawn.IntN(len(five)), "afterwards")
		w.check(o, five...)
		w.allHear(five...)
		if now := w.losses(); r.whole && now != lost {
			t.Error("the log of the seeds went back, as its nodes say")
		}
		t.Logf("took %s, %d orders were accepted and %d refused", time.Since(began).Round(100*time.Millisecond), len(o.accepted), len(o.refused))
	})
	w.t = t
	if !ok {
		t.FailNow() // the mesh may not be whole
	}
}

// long reports whether rows may take their time.
func long() bool { return *longFor > 0 }

// times returns how often a row does something: seldom, unless it may take its time.
func times(few, many int) int {
	if long() {
		return many
	}
	return few
}

func TestFiveSeedsThroughFaults(t *testing.T) {
	w := newWorld(t, 6, "[records]", `mesh_age = "1ms"`)
	w.found(5, five...)
	w.play([]row{
		{name: "orders from all at once", run: ordersFromAllAtOnce, whole: true},
		{name: "two are cut off from three", run: twoAreCutOffFromThree, whole: true},
		{name: "a cut in one direction", run: aCutInOneDirection, whole: true},
		{name: "loss and delay", run: lossAndDelay, whole: true},
		{name: "killed plugins", run: killedPlugins},
		{name: "a stopped plugin", run: aStoppedPlugin},
		{name: "killed hosts", run: killedHosts},
		{name: "a stopped host", run: aStoppedHost, whole: true},
		{name: "lost stores", run: lostStores},
		{name: "old stores", run: oldStores},
		{name: "flipped bytes", run: flippedBytes},
		{name: "an upgrade of one after the other", run: rollingUpgrade},
	})
	w.checkpoints()
	w.recovers()
}

func TestThreeSeedsAndTwoLeavesThroughFaults(t *testing.T) {
	w := newWorld(t, 6, "[operators]", `freshness = "`+freshness.String()+`"`)
	w.found(3, five...)
	w.play([]row{
		{name: "a leaf is cut off", run: aLeafIsCutOff, whole: true},
		{name: "a wrong clock", run: aWrongClock},
		{name: "recorded and not folded", run: recordedAndNotFolded},
		{name: "a damaged record", run: aDamagedRecord},
		{name: "a restored backup", run: aRestoredBackup},
		{name: "a lying plugin", run: aLyingPlugin},
		{name: "a fork", run: aFork},
		{name: "a stolen token", run: aStolenToken},
	})
}
