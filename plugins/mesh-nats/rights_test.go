package main

import (
	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hashicorp/go-hclog"

	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
)

// rogue links with a seed as a machine, and says what it likes.
func rogue(t *testing.T, m *machine, seed string) *nats.Conn {
	t.Helper()
	id, err := newIdentity(m.seed)
	if err != nil {
		t.Fatal(err)
	}
	srv, err := startServer(t.Context(), &server.Options{
		ServerName: "rogue", DontListen: true, NoSigs: true,
		LeafNode: server.LeafNodeOpts{ReconnectInterval: relinkEvery, Remotes: []*server.RemoteLeafOpts{{
			URLs: []*url.URL{{Scheme: "nats-leaf", Host: seed}}, TLS: true, TLSConfig: id.connecting(id.plain, nil), TLSHandshakeFirst: true,
			Compression: uncompressed(),
		}}},
	}, newNatsLog(hclog.NewNullLogger(), "rogue"), func(*server.Server) {})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := client(srv, hclog.NewNullLogger(), nats.CustomInboxPrefix(inbox(m.id)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		nc.Close()
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	m.until("it is linked", func() bool { return srv.NumLeafNodes() > 0 })
	return nc
}

func TestAMemberCannotSpeakForAnotherOrChangeTheLog(t *testing.T) {
	t.Parallel()
	w, all := founded(t, 1, 1)
	seed, victim := all[0], all[1]
	bad := w.add(3)
	w.everybody()
	nc := rogue(t, bad, w.address(1))
	heard, err := nc.SubscribeSync("m.ask.2.*")
	if err != nil {
		t.Fatal(err)
	}
	say := func(subject string, m proto.Message) {
		t.Helper()
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := nc.Publish(subject, b); err != nil {
			t.Fatal(err)
		}
	}
	w.until("its own beat is heard", func() bool {
		say(subjectBeat(3), &natsv1.Beat{Incarnation: 9, Tick: uint64(time.Now().UnixNano())})
		return seed.peer(3) != nil
	})
	say(subjectBeat(2), &natsv1.Beat{Incarnation: 9, Tick: 1 << 60})
	say(subjectSaid(2), &natsv1.Said{Incarnation: 9, Revision: 1})
	say(subjectViewAll(1), &natsv1.View{Epoch: 1, Peers: []*natsv1.PeerState{{Node: 2, Left: true}}})
	say(subjectSeed(2), &natsv1.SeedBeat{Leads: true, Ended: []uint64{2}})
	say(logged, &natsv1.Beat{})
	say(subjectAsk(1, 2), &natsv1.Question{Token: 1, Method: "GetSnapshot"})
	for _, request := range []string{
		"$JS.hub.API.STREAM.DELETE." + stream, "$JS.hub.API.STREAM.PURGE." + stream, "$JS.hub.API.STREAM.CREATE.mine",
		"$JS.hub.API.STREAM.MSG.DELETE." + stream, "$JS.API.STREAM.DELETE." + stream, "$JS.hub.API.INFO",
	} {
		if m, err := nc.Request(request, nil, 200*time.Millisecond); err == nil {
			t.Errorf("%s is answered: %s", request, m.Data)
		}
	}
	// What came after all that has been heard, so that was, too.
	if err := victim.order(t.Context(), "after it"); err != nil {
		t.Fatal(err)
	}
	w.same(2, seed, victim)
	if victim.peer(1).GetLeft() || seed.peer(2).GetLeft() || seed.peer(2).GetSummary() == nil {
		t.Errorf("%v", seed.peer(2))
	}
	if m, err := heard.NextMsg(0); err == nil {
		t.Errorf("it hears what others are asked: %v", m)
	}
}
