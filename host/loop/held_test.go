package loop

import (
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
)

// Readers may hold a snapshot as long as they like: it stays as it was while the loop goes on,
// and whoever reads it then disturbs nobody.
func TestAReaderThatHoldsASnapshotSeesItUnchangedWhileTicksGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		touch := func(round int) {
			for id := range 50 {
				r.publish(
					holder(mesh.ChainID(id+1), mesh.NodeID(id+round+2)),
					mesh.RTTSample{Peer: mesh.NodeID(id + 2), RTT: time.Duration(round+1) * time.Millisecond},
					mesh.DaemonStarted{Daemon: mesh.DaemonRef{ID: mesh.DaemonID(id + 1)}, PID: int64(round + 1)},
					mesh.LogLine{Message: "more"},
				)
			}
		}
		touch(0)
		kept := r.ticks(1)
		bytes := func() string {
			raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(wire.SnapshotToProto(kept))
			if err != nil {
				t.Error(err)
			}
			return string(raw)
		}
		before, stop, ended := bytes(), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			for {
				select {
				case <-stop:
					return
				case <-time.After(interval / 7):
					if bytes() != before {
						t.Error("the snapshot changed")
						return
					}
				}
			}
		}()
		for round := range 20 {
			touch(round + 1)
			r.ticks(1)
		}
		close(stop)
		<-ended
		if now := r.Reader().Latest(); now == kept || now.Replicas.Len() != 50 {
			t.Errorf("there are %d chains now", now.Replicas.Len())
		}
	})
}
