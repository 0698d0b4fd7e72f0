package follower_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/clustertest"
	"github.com/meshos/meshos/host/cluster/follower"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// world is a node that follows a log which the test makes.
type world struct {
	t    *testing.T
	log  *clustertest.Log
	f    *follower.Follower
	disk []*meshosv1.RecordedEntry
	now  mesh.Time
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, log: clustertest.New(t, false)}
	w.log.Add(clustertest.Unsigned(clustertest.Node(2, "bravo", false)), 1)
	w.f = follower.New(2, cluster.New(), func(height uint64) (*meshosv1.LoggedEntry, error) {
		if height > uint64(len(w.disk)) {
			return nil, fmt.Errorf("height %d is not on disk", height)
		}
		return w.disk[height-1].GetLogged(), nil
	})
	w.take(w.log.Entries...)
	w.link(true)
	return w
}

// take has the node take entries, write and fold them.
func (w *world) take(entries ...*meshosv1.LoggedEntry) {
	w.t.Helper()
	if err := w.f.Take(entries); err != nil {
		w.t.Fatal(err)
	}
	w.fold()
}

func (w *world) fold() {
	unwritten, _ := w.f.Unwritten()
	w.disk = append(w.disk, unwritten...)
	for _, t := range w.f.Written(len(unwritten)) {
		w.f.Folded(t, mesh.AuditRecord{Seq: t.Out.Place.Height, Event: t.Out.Order.Event, Outcome: t.Out.Order.Outcome})
	}
}

func (w *world) link(quorum bool) {
	head := w.log.State.Head()
	w.beacon(quorum, w.log.State.Height(), head[:])
}

func (w *world) beacon(quorum bool, height uint64, head []byte) {
	w.t.Helper()
	if err := w.f.Linked(&meshosv1.MeshLink{Connected: true, Quorum: quorum, Beacon: &meshosv1.MeshLink_Beacon{Height: height, Head: head}}); err != nil {
		w.t.Fatal(err)
	}
}

// wall is the time by the clock of the node.
func (w *world) wall() time.Time { return w.log.Now }

// cordon begins to order something.
func (w *world) cordon() *follower.Order {
	return w.f.Begin(w.now, clustertest.NodeKey(2), []byte("1"), false, func(s *cluster.State, at time.Time) (*meshosv1.OrderedEntry, error) {
		if r := s.PreviewUnsigned(mesh.Cordon{Node: 1}, at); r != nil {
			return nil, r
		}
		return clustertest.Unsigned(mesh.Cordon{Node: 1}), nil
	})
}

// published returns the entry that an order publishes now.
func (w *world) published(o *follower.Order) *meshosv1.LoggedEntry {
	w.t.Helper()
	step := o.Next(w.now, w.wall())
	if step.Publish == nil {
		_, err := o.Result()
		w.t.Fatalf("does not publish: %+v, %v", step, err)
	}
	return &meshosv1.LoggedEntry{Entry: step.Publish.GetEntry(), LogTime: timestamppb.New(w.log.Now)}
}

// others has another node order something.
func (w *world) others() *meshosv1.LoggedEntry {
	w.log.Add(clustertest.Unsigned(mesh.Uncordon{Node: 1}), 1)
	return w.log.Entries[len(w.log.Entries)-1]
}

func kind(err error) string {
	var r *rules.Rejection
	var u *follower.UnknownError
	switch {
	case errors.As(err, &r):
		return r.Kind
	case errors.As(err, &u):
		return "unknown"
	case err == nil:
		return ""
	}
	return err.Error()
}

func (w *world) ended(o *follower.Order, want string) {
	w.t.Helper()
	step := o.Next(w.now, w.wall())
	if _, err := o.Result(); !step.Ended || kind(err) != want {
		w.t.Errorf("ended %v with %v, want %q", step.Ended, err, want)
	}
	o.End()
}

func (w *world) waits(o *follower.Order) {
	w.t.Helper()
	if step := o.Next(w.now, w.wall()); step.Ended || step.Publish != nil {
		_, err := o.Result()
		w.t.Errorf("does not wait: %+v, %v", step, err)
	}
}

func TestAnOrderEndsOnceItWasFoldedHere(t *testing.T) {
	w := newWorld(t)
	o := w.cordon()
	e := w.published(o)
	w.waits(o)
	o.Answered(w.now, follower.Appended, nil)
	w.waits(o)
	w.take(e)
	w.ended(o, "")
	if record, _ := o.Result(); record.Seq != 3 {
		t.Errorf("the record is %+v", record)
	}
}

func TestAnEntryIsOnDiskBeforeItCounts(t *testing.T) {
	w := newWorld(t)
	o := w.cordon()
	e := w.published(o)
	o.Answered(w.now, follower.Appended, nil)
	if err := w.f.Take([]*meshosv1.LoggedEntry{e}); err != nil {
		t.Fatal(err)
	}
	w.waits(o)
	w.fold()
	w.ended(o, "")
}

func TestAnOrderIsBuiltAnewWhenAnotherOneWasFirst(t *testing.T) {
	w := newWorld(t)
	o := w.cordon()
	w.published(o)
	o.Answered(w.now, follower.Aborted, errors.New("another was first"))
	w.waits(o)
	w.take(w.others())
	e := w.published(o)
	o.Answered(w.now, follower.Appended, nil)
	w.take(e)
	w.ended(o, "")
}

func TestAnOrderIsNotPublishedAgainWhileTheLogMayHaveIt(t *testing.T) {
	w := newWorld(t)
	o := w.cordon()
	w.published(o)
	o.Answered(w.now, follower.Unknown, errors.New("timeout"))
	w.now = w.now.Add(5 * time.Second)
	w.waits(o)
	w.link(false)
	w.waits(o)
	w.link(true)
	w.take(w.others()) // at its height: it will never be there
	e := w.published(o)
	o.Answered(w.now, follower.Unknown, errors.New("timeout"))
	w.take(e) // the answer was lost, and the log has it
	w.ended(o, "")
}

func TestAnOrderWithoutAnAnswerIsNotKnown(t *testing.T) {
	w := newWorld(t)
	o := w.cordon()
	w.published(o)
	o.Answered(w.now, follower.Unknown, errors.New("timeout"))
	w.now = w.now.Add(follower.Within)
	w.ended(o, "unknown")
}

func TestNothingIsOrderedWithoutAQuorum(t *testing.T) {
	w := newWorld(t)
	w.link(false)
	w.ended(w.cordon(), follower.KindUnreachable)
	w.link(true)
	o := w.cordon()
	w.published(o)
	o.Answered(w.now, follower.NoQuorum, errors.New("no leader"))
	w.ended(o, follower.KindUnreachable)
}

func TestWhatTheLogRefusesIsRefusedWithItsReason(t *testing.T) {
	w := newWorld(t)
	o := w.cordon()
	w.published(o)
	o.Answered(w.now, follower.Refused, errors.New("the log is full: raise max_log on all seeds"))
	w.ended(o, follower.KindRefused)
	if _, err := o.Result(); !strings.Contains(err.Error(), "raise max_log") {
		t.Errorf("it says %v", err)
	}
	w.published(w.cordon()) // the next one has its turn
}

func TestAnOrderThatWasNotFirstPausesForATimeOfItsOwn(t *testing.T) {
	for name, foldedFirst := range map[string]bool{"the answer comes first": false, "the entry comes first": true} {
		w := newWorld(t)
		w.f.Jitter(func() time.Duration { return 7 * time.Millisecond })
		o := w.cordon()
		w.published(o)
		if foldedFirst {
			w.take(w.others())
		}
		o.Answered(w.now, follower.Aborted, errors.New("another was first"))
		if !foldedFirst {
			w.take(w.others())
		}
		step := o.Next(w.now, w.wall())
		if want := w.now.Add(7 * time.Millisecond); step.Publish != nil || step.Until != want {
			t.Errorf("%s: %+v", name, step)
		}
		w.now = w.now.Add(7 * time.Millisecond)
		w.take(w.published(o))
		w.ended(o, "")
	}
}

func TestOrdersOfANodeGoOneAfterTheOther(t *testing.T) {
	w := newWorld(t)
	one, two := w.cordon(), w.cordon()
	w.waits(two)
	e := w.published(one)
	w.waits(two)
	w.take(e)
	w.ended(one, "")
	w.published(two)
	two.End()
	three, four := w.cordon(), w.cordon()
	three.GiveUp(w.now)
	w.ended(three, follower.KindBusy)
	w.now = w.now.Add(follower.Within)
	w.ended(four, follower.KindBusy)
}

func TestTheLogOfTheOthersWentBack(t *testing.T) {
	w := newWorld(t)
	w.take(w.others(), w.others())
	first := cluster.HashOf(w.log.Entries[0])
	w.beacon(true, 1, first[:])
	w.beacon(false, 1, first[:]) // a log that waits to be filled up takes no orders
	from, back := w.f.WentBack()
	if !back || from != 2 {
		t.Errorf("went back %v, from %d", back, from)
	}
	w.beacon(true, 1, first[:])
	for height := from; ; height++ {
		r, err := w.f.Fill(height)
		if err != nil {
			t.Fatal(err)
		}
		if r == nil {
			if height != 5 {
				t.Errorf("the record ends before height %d", height)
			}
			break
		}
		if logged := w.log.Entries[height-1]; string(r.GetEntry()) != string(logged.GetEntry()) || !r.GetLogTime().AsTime().Equal(logged.GetLogTime().AsTime()) {
			t.Errorf("height %d is filled up with something else", height)
		}
	}
	w.link(true)
	if _, back := w.f.WentBack(); back {
		t.Error("it went back although it is equal")
	}
}

func TestAForkFreezesTheLog(t *testing.T) {
	for name, fork := range map[string]func(w *world, other *clustertest.Log){
		"by an entry that is there": func(w *world, other *clustertest.Log) { w.take(other.Entries[2]) },
		"by the next entry":         func(w *world, other *clustertest.Log) { w.take(other.Entries[3]) },
	} {
		w := newWorld(t)
		other := clustertest.New(t, false)
		other.Add(clustertest.Unsigned(clustertest.Node(2, "bravo", false)), 1)
		other.Add(clustertest.Unsigned(mesh.Cordon{Node: 2}), 1)
		other.Add(clustertest.Unsigned(mesh.Cordon{Node: 1}), 1)
		w.take(w.others())
		o := w.cordon()
		w.published(o)
		fork(w, other)
		why, at := w.f.Frozen()
		if why == "" || at == nil || at.Height != 3 || at.Own != cluster.HashOf(w.log.Entries[2]) || at.Theirs != cluster.HashOf(other.Entries[2]) {
			t.Errorf("%s: frozen %q, fork %+v", name, why, at)
		}
		w.ended(o, "unknown")
		w.ended(w.cordon(), follower.KindFrozen)
		w.take(w.others())
		if w.f.State().Height() != 3 {
			t.Errorf("%s: it goes on to height %d", name, w.f.State().Height())
		}
	}
}

func TestABeaconAloneFreezesNothing(t *testing.T) {
	w := newWorld(t)
	w.take(w.others(), w.others())
	w.link(true)
	waiting := w.cordon()
	w.published(waiting)
	w.beacon(true, 4, make([]byte, 32))
	if why, _ := w.f.Frozen(); why != "" || !strings.Contains(w.f.Differs(), "at height 4") {
		t.Errorf("frozen %q, differs %q", why, w.f.Differs())
	}
	w.ended(w.cordon(), follower.KindDiffers)
	w.waits(waiting) // it is published
	w.beacon(true, 3, make([]byte, 32))
	if _, back := w.f.WentBack(); back {
		t.Error("another log is filled up")
	}
	w.take(w.others())                  // the log goes on here
	w.beacon(true, 9, make([]byte, 32)) // nothing to compare
	w.ended(w.cordon(), follower.KindDiffers)
	w.link(true)
	if why := w.f.Differs(); why != "" {
		t.Errorf("it agrees again, and still: %s", why)
	}
	waiting.Answered(w.now, follower.Aborted, errors.New("another was first"))
	w.published(waiting)
}

// foreign returns an entry for the next height that a node signed which is no member.
func (w *world) foreign() *meshosv1.LoggedEntry {
	w.t.Helper()
	raw, err := w.log.State.Seal(clustertest.Unsigned(mesh.Cordon{Node: 1}), 7, w.log.Now, clustertest.NodeKey(7))
	if err != nil {
		w.t.Fatal(err)
	}
	return &meshosv1.LoggedEntry{Entry: raw, LogTime: timestamppb.New(w.log.Now), Height: w.log.State.Height() + 1}
}

func TestAnEntryThatIsNoneHasAHeightAndLeadsToNothing(t *testing.T) {
	invalid := map[string]func(w *world) *meshosv1.LoggedEntry{
		"of no member": func(w *world) *meshosv1.LoggedEntry { return w.foreign() },
		"that can't be read": func(w *world) *meshosv1.LoggedEntry {
			return &meshosv1.LoggedEntry{Entry: []byte("\xff\xff"), LogTime: timestamppb.New(w.log.Now), Height: w.log.State.Height() + 1}
		},
		"at a place that it was not signed for": func(w *world) *meshosv1.LoggedEntry {
			return &meshosv1.LoggedEntry{Entry: w.log.Entries[1].GetEntry(), LogTime: timestamppb.New(w.log.Now), Height: w.log.State.Height() + 1}
		},
	}
	for name, make := range invalid {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			e := make(w)
			refused := func(what string) {
				t.Helper()
				if err := w.f.Take([]*meshosv1.LoggedEntry{e}); err == nil || w.f.State().Height() != 2 {
					t.Errorf("%s: %v, height %d", what, err, w.f.State().Height())
				}
			}
			refused("nobody else says that the log has it")
			w.beacon(true, 3, []byte(strings.Repeat("x", 32)))
			refused("the log has something else there")
			o := w.cordon()
			w.published(o)
			hash := cluster.HashOf(e)
			w.beacon(true, 3, hash[:])
			before := w.f.State().Members()
			w.take(e)
			if s := w.f.State(); s.Height() != 3 || s.Head() != hash || len(s.Members()) != len(before) {
				t.Fatalf("height %d", s.Height())
			}
			w.take(e) // it comes again, as after a lost connection
			o.Answered(w.now, follower.Aborted, errors.New("another was first"))
			next := w.published(o)
			w.take(next)
			w.ended(o, "")

			// Whoever comes later, and whoever reads its record, comes to the same.
			late := follower.New(9, cluster.New(), func(uint64) (*meshosv1.LoggedEntry, error) { return nil, errors.New("nothing is read") })
			if err := late.Take(append(append([]*meshosv1.LoggedEntry{}, w.log.Entries[:2]...), e, next)); err != nil {
				t.Fatal(err)
			}
			again := cluster.New()
			for _, r := range w.disk {
				c, err := again.Recorded(r)
				if err != nil {
					t.Fatal(err)
				}
				if out := again.Fold(c); (out.Place.Height == 3) != (out.Order.Outcome.Kind == cluster.KindInvalid) {
					t.Errorf("%s", out)
				}
			}
			for what, s := range map[string]*cluster.State{"a late one": late.State(), "its record": again} {
				if s.Height() != 4 || s.Sum() != w.f.State().Sum() {
					t.Errorf("%s: height %d, %s instead of %s", what, s.Height(), s.Sum(), w.f.State().Sum())
				}
			}
		})
	}
}

func TestATimeThatSomebodyElseSaysIsNotBelievedOfANewEntry(t *testing.T) {
	w := newWorld(t)
	e := w.others()
	e.Refilled = true
	if err := w.f.Take([]*meshosv1.LoggedEntry{e}); err == nil {
		t.Error("it was taken")
	}
	w.link(true) // now others have it
	w.take(e)
}

func TestDamageIsNoFork(t *testing.T) {
	w := newWorld(t)
	w.take(w.others())
	next := w.others()
	for _, e := range []*meshosv1.LoggedEntry{w.log.Entries[1], next} {
		for i := range 8 * len(e.GetEntry()) {
			bad := &meshosv1.LoggedEntry{Entry: slices.Clone(e.GetEntry()), LogTime: e.GetLogTime()}
			bad.Entry[i/8] ^= 1 << (i % 8)
			if err := w.f.Take([]*meshosv1.LoggedEntry{bad}); err == nil {
				t.Errorf("bit %d is wrong, and nothing is said", i)
			}
			if why, _ := w.f.Frozen(); why != "" {
				t.Fatalf("bit %d is wrong, and nothing is folded any more: %s", i, why)
			}
		}
	}
	w.take(next)
}
