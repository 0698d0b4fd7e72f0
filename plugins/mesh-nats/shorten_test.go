package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// needs says that machines need nothing up to a height, and have no record of it.
func (w *world) needs(after uint64, machines ...*machine) {
	w.Helper()
	for _, m := range machines {
		m.mu.Lock()
		gone := after - m.base
		m.base, m.entries = after, m.entries[gone:]
		m.drop = after
		m.mu.Unlock()
	}
	w.everybody()
}

func TestTheBeginningOfTheLogIsDropped(t *testing.T) {
	for _, seeds := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d seeds", seeds), func(t *testing.T) {
			t.Parallel()
			w, all := founded(t, seeds, 1)
			leaf := all[seeds]
			for i := 2; i <= 20; i++ {
				if err := all[i%len(all)].order(t.Context(), fmt.Sprintf("entry %d", i)); err != nil {
					t.Fatal(err)
				}
			}
			w.same(20, all...)
			w.settled(all...)
			w.needs(12, all...)
			begins := func(first uint64) {
				t.Helper()
				for _, m := range all {
					w.until(fmt.Sprintf("m%d knows that the log begins at height %d", m.id, first), func() bool { return m.linkNow().GetFirst() == first })
				}
			}
			begins(13)
			if err := leaf.order(t.Context(), "entry 21"); err != nil {
				t.Fatal(err)
			}

			// One that has nothing is told where the log begins, and goes on from there.
			late := w.add(9)
			late.start()
			w.everybody()
			w.until("the new one knows where the log begins", func() bool { return late.linkNow().GetFirst() == 13 })
			if n := len(late.record()); n != 0 {
				t.Errorf("it has %d entries", n)
			}
			late.end()
			late.base = 12
			late.start()
			w.everybody()
			w.until("it has the rest", func() bool { return late.height() == 21 })
			if got := late.record()[0].GetEntry(); !bytes.Equal(got, []byte("entry 13")) {
				t.Errorf("it begins with %q", got)
			}

			// What was dropped stays so after all began again.
			for _, m := range all {
				m.end()
			}
			for _, m := range all {
				m.start()
			}
			w.everybody()
			w.takesOrders(all...)
			begins(13)
			if err := leaf.order(t.Context(), "entry 22"); err != nil {
				t.Fatal(err)
			}

			// All seeds lose the log, and nobody has its beginning.
			for _, m := range all {
				m.end()
			}
			for _, m := range all[:seeds] {
				if err := os.RemoveAll(filepath.Join(m.dir, "hub")); err != nil {
					t.Fatal(err)
				}
			}
			before := leaf.record()
			for _, m := range all {
				m.start()
			}
			w.everybody()
			begins(13)
			w.until("the log is whole again", func() bool {
				link := leaf.linkNow()
				if link.GetConnected() && link.GetBeacon().GetHeight() >= 12 && link.GetBeacon().GetHeight() < 22 {
					_ = leaf.refillFrom(t.Context(), 13, before)
				}
				return link.GetQuorum() && leaf.orderAt(t.Context(), 23, "after it") == nil
			})
			for _, m := range append(all, late) {
				w.until(fmt.Sprintf("m%d has all", m.id), func() bool { return m.height() == 23 })
			}
			for _, m := range all {
				m.end()
			}
			for _, m := range all {
				m.start()
			}
			w.everybody()
			w.takesOrders(all...)
			begins(13)
			if err := leaf.order(t.Context(), "the last one"); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestALogIsFilledUpFromTheBeginningWhereSomebodyHasIt(t *testing.T) {
	t.Parallel()
	w, all := founded(t, 1, 1)
	for i := 2; i <= 10; i++ {
		if err := all[1].order(t.Context(), fmt.Sprintf("entry %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	w.same(10, all...)
	all[0].end()
	if err := os.RemoveAll(filepath.Join(all[0].dir, "hub")); err != nil {
		t.Fatal(err)
	}
	before := all[1].record()
	all[0].base, all[0].entries = 8, all[0].entries[8:]
	all[0].start()
	w.everybody()
	w.until("the log is filled up", func() bool {
		link := all[1].linkNow()
		if link.GetConnected() && link.GetBeacon() != nil && link.GetBeacon().GetHeight() < 10 {
			_ = all[1].refill(t.Context(), before)
		}
		return link.GetQuorum() && link.GetBeacon().GetHeight() == 10
	})
	if first := all[1].linkNow().GetFirst(); first != 1 {
		t.Errorf("it begins at height %d", first)
	}
}

func TestAnybodyIsAsked(t *testing.T) {
	t.Parallel()
	w, all := founded(t, 1, 1)
	w.until("the seed is there", func() bool { return all[1].peer(1) != nil && !all[1].peer(1).GetLeft() })
	stream, err := all[1].mesh.Ask(t.Context(), &pluginv1.AskRequest{Method: "Nobody serves it"})
	if err == nil {
		_, err = stream.Recv()
	}
	if code := status.Code(err); code == codes.InvalidArgument || code == codes.OK || code == codes.Unknown {
		t.Errorf("a question to anybody: %v", err)
	}
}
