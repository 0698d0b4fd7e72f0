package engine

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/plugins/mesh-nats/internal/scrub"
)

// stored returns the folder of a stream that a server has written: 3,000 messages, some with a
// header, some taken out again.
func stored(t *testing.T) string {
	t.Helper()
	srv, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: folder(t)})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	defer srv.WaitForShutdown()
	defer srv.Shutdown()
	testkit.Until(t, "the server is ready", srv.JetStreamEnabled)
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.AddStream(&nats.StreamConfig{Name: "c1", Subjects: []string{"x.>"}}); err != nil {
		t.Fatal(err)
	}
	for i := range 3000 {
		m := &nats.Msg{Subject: "x.y", Data: []byte("some text that is stored")}
		if i%3 == 0 {
			m.Header = nats.Header{"Some": []string{"header"}}
		}
		if _, err := js.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	for _, number := range []uint64{7, 8, 2000} {
		if err := js.DeleteMsg("c1", number); err != nil {
			t.Fatal(err)
		}
	}
	return StreamDir(srv, "$G", "c1")
}

func read(t *testing.T, dir string) scrub.Copy {
	t.Helper()
	got, err := ReadBlocks(t.Context(), dir, "c1", func(context.Context, int64) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Whichever bit flips, the replica is not like the others any more: its file is damaged, or what
// it has is something else.
func TestEachFlippedBitShows(t *testing.T) {
	dir := stored(t)
	sound := read(t, dir)
	if len(sound.Faults) > 0 || sound.Sums[0].Messages < scrub.Window-3 || len(sound.Sums) != 3 {
		t.Fatalf("%+v", sound)
	}
	path := filepath.Join(dir, "msgs", "1.blk")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(raw); at += 1 + at/50 {
		changed := slices.Clone(raw)
		changed[at] ^= 1 << (at % 8)
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) { // it is looked at again after a while
			got := read(t, dir)
			if len(got.Faults) == 0 && maps.Equal(got.Sums, sound.Sums) {
				t.Errorf("bit %d of byte %d: nothing shows", at%8, at)
			}
		})
	}
	if err := os.WriteFile(path, raw[:len(raw)-5], 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		if got := read(t, dir); len(got.Faults) != 1 || !strings.HasPrefix(got.Faults[0], "1.blk is damaged at byte ") {
			t.Errorf("a record that is cut off: %q", got.Faults)
		}
	})
}
