package records_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// The newest wanted records are found however far back they are, and over all runs.
func TestTheNewestWantedRecordsAreFoundFromTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := records.Options{Dir: t.TempDir(), SegmentSize: 100 << 10}
		l := newLoop()
		_, stop := followIn(t, l, o)
		for range 10 {
			l.write(mesh.ChainLog, 1, "rare")
			l.write(mesh.ChainLog, 999, "common")
			synctest.Wait()
		}
		stop()
		l = restarted()
		r, stop := followIn(t, l, o)
		defer stop()
		l.write(mesh.ChainLog, 3, "rare")
		synctest.Wait()
		rare := func(r *meshosv1.Record) bool { return strings.Contains(r.GetLog().GetMessage(), "rare") }
		for n, want := range map[int]uint64{1: 10003, 3: 10001, 4: 9001, 9: 4001, 13: 1, 14: 1} {
			if got, err := r.Newest(t.Context(), mesh.ChainLog, n, rare); got != want || err != nil {
				t.Errorf("the newest %d begin with %d, error %v, want %d", n, got, err, want)
			}
		}
		from, err := r.Newest(t.Context(), mesh.ChainLog, 4, rare)
		if err != nil {
			t.Fatal(err)
		}
		var got []uint64
		err = r.Read(t.Context(), mesh.ChainLog, mesh.RecordPosition{From: from}, func(bool) error { return nil }, func(r *meshosv1.Record) error {
			if rare(r) {
				got = append(got, r.GetLog().GetSeq())
			}
			return nil
		})
		if want := []uint64{9001, 1, 2, 3}; !slices.Equal(got, want) || err != nil {
			t.Errorf("read %v, error %v, want %v", got, err, want)
		}
	})
}
