package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// forbidden are all requests of the engine's API that change streams or the cluster, and all that
// concern the log of the mesh.
func forbidden() (out []string) {
	for _, prefix := range []string{"$JS.API.", "$JS." + hubDomain + ".API."} {
		for _, request := range []string{
			"STREAM.CREATE.c9", "STREAM.UPDATE.c1", "STREAM.DELETE.c1", "STREAM.PURGE.c1", "STREAM.MSG.DELETE.c1", "STREAM.SNAPSHOT.c1",
			"STREAM.RESTORE.c1", "STREAM.PEER.REMOVE.c1", "STREAM.PEER.EVACUATE.c1", "STREAM.LEADER.STEPDOWN.c1", "STREAM.CANCEL_MOVE.c1",
			"CONSUMER.LEADER.STEPDOWN.c1.x", "CONSUMER.PEER.REMOVE.c1.x", "CONSUMER.PEER.EVACUATE.c1.x",
			"META.LEADER.STEPDOWN", "META.RESCUE", "SERVER.REMOVE", "SERVER.EVACUATE",
			"ACCOUNT.PURGE.$G", "ACCOUNT.STREAM.MOVE.$G.c1", "ACCOUNT.STREAM.CANCEL_MOVE.$G.c1",
			"STREAM.INFO.ADMIN", "STREAM.MSG.GET.ADMIN", "DIRECT.GET.ADMIN", "DIRECT.GET.ADMIN.m.log", "CONSUMER.CREATE.ADMIN",
			"CONSUMER.CREATE.ADMIN.x", "CONSUMER.DURABLE.CREATE.ADMIN.x", "CONSUMER.MSG.NEXT.ADMIN.x", "CONSUMER.DELETE.ADMIN.x", "CONSUMER.PAUSE.ADMIN.x",
		} {
			out = append(out, prefix+request)
		}
	}
	return append(out, "m.log", "m.beat.1", "m.consent.1.2", "m.holder.1", "m.ask.1.2", "$SYS.REQ.SERVER.PING", "$SYS.REQ.ACCOUNT.PING.CONNZ")
}

// Plain clients use chains on a seed, on a member that holds chains and on a node that holds none,
// by token and by nkey, and change nothing of streams.
func TestProgramsUseChainsOnAnyNode(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("a token of programs\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := user.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	port := func(m *machine) string { return strings.TrimSuffix(m.address(m.id), "7420") + "7430" }
	c, all := newFabric(t, func(m *machine) {
		m.cfg.Clients, m.cfg.ClientsToken, m.cfg.ClientsNkeys = port(m), token, []string{public}
	})
	c.set(all, &meshosv1.SetChain{Chain: 1, Name: "orders", Replicas: 3, Stream: &meshosv1.ChainStream{Subjects: []string{"orders.>"}}})
	c.become(1, "three hold it", heldBy(3))
	sign := func(nonce []byte) ([]byte, error) { return user.Sign(nonce) }
	want := 0
	for _, m := range []*machine{all[0], all[4], all[5]} {
		for _, wrong := range []nats.Option{
			nats.Token("another token of programs"), nats.UserInfo(systemUser, "x"), nats.Nkey(public, func(nonce []byte) ([]byte, error) { return stranger.Sign(nonce) }),
		} {
			if nc, err := nats.Connect("nats://"+port(m), wrong); err == nil {
				nc.Close()
				t.Errorf("m%d: a stranger gets in", m.id)
			}
		}
		for how, as := range map[string]nats.Option{"token": nats.Token("a token of programs"), "nkey": nats.Nkey(public, sign)} {
			who := fmt.Sprintf("m%d, %s", m.id, how)
			nc, err := nats.Connect("nats://"+port(m), as, nats.MaxReconnects(-1), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
			if err != nil {
				t.Fatalf("%s: %v", who, err)
			}
			defer nc.Close()
			js, err := jetstream.New(nc)
			if err != nil {
				t.Fatal(err)
			}
			want++
			c.until(who+" publishes", func() bool {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				_, err := js.Publish(ctx, "orders.new", fmt.Append(nil, want), jetstream.WithMsgID(fmt.Sprint(want)))
				return err == nil
			})
			readAll(t, c, js, who, want)
		}
		nc, err := nats.Connect("nats://"+port(m), nats.Token("a token of programs"), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		refused(t, c, m, nc)
	}
	if err := all[0].order(t.Context(), "after all that"); err != nil {
		t.Error(err)
	}
	c.become(1, "nothing was changed", heldBy(3))
}

// readAll reads a chain from its beginning with a consumer of its own.
func readAll(t *testing.T, c *chainHosts, js jetstream.JetStream, who string, want int) {
	t.Helper()
	var got []string
	c.until(who+" reads", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		reader, err := js.OrderedConsumer(ctx, "c1", jetstream.OrderedConsumerConfig{})
		if err != nil {
			return false
		}
		batch, err := reader.Fetch(want, jetstream.FetchMaxWait(3*time.Second))
		if err != nil {
			return false
		}
		got = nil
		for m := range batch.Messages() {
			got = append(got, string(m.Data()))
		}
		return len(got) == want
	})
	for i, data := range got {
		if data != fmt.Sprint(i+1) {
			t.Errorf("%s: message %d is %q", who, i+1, data)
		}
	}
}

// refused checks that each forbidden request is answered by a violation of what the program may.
func refused(t *testing.T, c *chainHosts, m *machine, nc *nats.Conn) {
	t.Helper()
	violations := make(chan error, 1)
	nc.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { violations <- err })
	for _, subject := range forbidden() {
		if err := nc.PublishRequest(subject, nc.NewRespInbox(), []byte("{}")); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-violations:
			if !strings.Contains(strings.ToLower(err.Error()), "permissions violation") || !strings.Contains(err.Error(), subject[strings.LastIndex(subject, ".API.")+1:]) {
				t.Errorf("m%d: %s: %v", m.id, subject, err)
			}
		case <-time.After(testkit.Patience):
			t.Errorf("m%d: a program may ask %s", m.id, subject)
		}
	}
	for _, subject := range []string{"m.>", "m.logged", "$SYS.>"} {
		sub, err := nc.SubscribeSync(subject)
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-violations:
		case <-time.After(testkit.Patience):
			t.Errorf("m%d: a program may hear %s", m.id, subject)
		}
		_ = sub.Unsubscribe()
	}
}
