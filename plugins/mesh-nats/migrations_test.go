package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func (m *machine) migrations() []*meshosv1.MigrationView {
	m.Helper()
	list, err := pluginv1.NewMigrationSourceClient(m.calls.Conn()).List(m.Context(), &pluginv1.ListMigrationsRequest{})
	if err != nil {
		m.Fatal(err)
	}
	return list.GetInFlight()
}

// moved checks that a move is listed by who makes it, who gives and who gets the replica, and that
// it can be aborted at any of them.
func (c *chainHosts) moved(all []*machine, leader uint64, holders []uint64) {
	c.Helper()
	target := missing(holders)[0]
	victim := slices.DeleteFunc(slices.Clone(holders), func(id uint64) bool { return id == leader })[0]
	h := all[leader-1].node().holder.Load()
	change := chains.Change{Kind: chains.Swap, Stream: "c7", Self: hubName(leader), Victim: hubName(victim), Targets: []string{hubName(target)}}
	m := h.begin(7, change, func(ctx context.Context, shown *migration) error {
		shown.renewed = time.Now().Add(time.Hour) // nobody is asked to agree, so the move waits
		return h.client.Run(ctx, chains.New(change, 0, time.Now()), nil, func(move *chains.Move) { h.watch(ctx, 7, shown, move) })
	})
	for _, id := range []uint64{leader, victim, target} {
		c.until("the move is listed", func() bool {
			return slices.ContainsFunc(all[id-1].migrations(), func(v *meshosv1.MigrationView) bool {
				return v.GetMigration() == m.migration.id && v.GetChain() == 7 && v.GetSource() == victim && v.GetTarget() == target &&
					v.GetPhase() == meshosv1.MigrationView_PHASE_SNAPSHOT
			})
		})
	}
	abort := func(at uint64, id uint64) error {
		_, err := pluginv1.NewMigrationAborterClient(all[at-1].calls.Conn()).Abort(c.Context(), &pluginv1.AbortRequest{Migration: id, Reason: "killed by an operator"})
		return err
	}
	if err := abort(target, m.migration.id); err != nil {
		c.Fatal(err)
	}
	<-m.done
	var cancelled *chains.CancelledError
	if !errors.As(m.err, &cancelled) || cancelled.Reason != "killed by an operator" {
		c.Errorf("the move ended with %v", m.err)
	}
	if err := abort(leader, m.migration.id); status.Code(err) != codes.NotFound {
		c.Errorf("aborted again: %v", err)
	}
	_, err := pluginv1.NewActuatorClient(all[leader-1].calls.Conn()).Dispatch(c.Context(), &pluginv1.DispatchRequest{
		ActionId: 1, Action: place(&meshosv1.RequestPlacement{Chain: 7, Target: &target, Replaces: &victim}),
	})
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "aborted") {
		c.Errorf("begun again: %v", err)
	}
	h.mu.Lock()
	clear(h.shunned)
	h.mu.Unlock()
}

func TestMigrationsShowHowFarAMoveIs(t *testing.T) {
	b := &natsv1.MoveBeat{
		Migration: 9, Chain: 7, Target: 3, Phase: meshosv1.MigrationView_PHASE_TRANSFER, Elapsed: durationpb.New(11 * time.Second), InPhase: durationpb.New(10 * time.Second),
		Bytes: 400, Done: 100,
	}
	left := durationpb.New(30 * time.Second)
	want := &meshosv1.MigrationView{
		Migration: 9, Chain: 7, Source: 2, Target: 3, Phase: meshosv1.MigrationView_PHASE_TRANSFER, Elapsed: durationpb.New(12 * time.Second), InPhase: durationpb.New(11 * time.Second),
		SnapshotBytes: proto.Uint64(400), DoneBytes: proto.Uint64(100), ProgressPercent: proto.Uint32(25), Left: left,
	}
	if got := migrationView(b, 2, time.Second); !proto.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	b.Bytes, b.Done = 0, 0
	if got := migrationView(b, 2, 0); got.SnapshotBytes != nil || got.ProgressPercent != nil || got.Left != nil {
		t.Errorf("an empty chain: %v", got)
	}
}
