package daemon

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// What waited while no node ran comes as fast as it is recorded, so that it drives nothing out of
// the loop's memory. If nothing is recorded, it comes all the same.
func TestLinesComeAsFastAsTheyAreRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &unrecorded{changed: make(chan struct{})}
		began := time.Now()
		for range maxUnrecorded {
			if !u.wait(t.Context()) {
				t.Fatal("no room")
			}
			u.add(1)
		}
		time.AfterFunc(recordWithin/2, func() { u.add(-1) })
		if !u.wait(t.Context()) || time.Since(began) != recordWithin/2 {
			t.Errorf("the next line came after %v", time.Since(began))
		}
		u.add(1)
		for range 3 * maxUnrecorded { // nothing is recorded any more
			u.wait(t.Context())
			u.add(1)
		}
		if took := time.Since(began); took != recordWithin/2+recordWithin {
			t.Errorf("with records that are stuck, lines took %v", took)
		}
		u.add(-1)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if u.wait(ctx) {
			t.Error("it waits for more than its context")
		}
	})
}
