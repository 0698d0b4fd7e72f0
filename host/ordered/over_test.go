package ordered

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/testkit"
)

// An order that was given a moment before a kill is in no checkpoint, and what the file said
// then is known all the same.
func TestB25_TheFileWinsOverOrdersThatNoCheckpointHolds(t *testing.T) {
	m := newMachine(t, t.TempDir(), file(true, 2))
	three := uint32(3)
	m.order(mesh.SetDaemonIntent{Node: this, Daemon: ref(1), Intent: mesh.IntentStop})
	m.order(mesh.SetDaemonIntent{Node: this, Daemon: ref(2), Intent: mesh.IntentStop})
	m.order(mesh.SetPlacement{Node: this, Chain: 7, Desired: &three})
	m.publish(mesh.LocalReplicaIntent{Chain: 8, Intent: mesh.HoldKeep})
	m.order(mesh.Cordon{Node: 2})
	m.file = file(true, 5)
	m.file.Daemons, m.file.Peers = m.file.Daemons[:1], nil
	m.reboot(time.Minute)
	d, _ := m.state.Daemon(1)
	c, _ := m.state.Chain(7)
	kept, _ := m.state.Chain(8)
	_, removed := m.state.Daemon(2)
	if d.Intent != mesh.IntentStop || c.Desired != 5 || kept.Hold != mesh.HoldKeep || removed || m.state.Cordoned(2) {
		t.Errorf("daemon 1: %v, chain 7: %d, chain 8: %v, daemon 2 is there: %v, node 2 is cordoned: %v", d.Intent, c.Desired, kept.Hold, removed, m.state.Cordoned(2))
	}
	said := strings.Join(m.said, "\n")
	if !strings.Contains(said, "order 3 of ana, to have 3 replicas of chain 7, does not hold any more: the configuration changed replicas from 2 to 5") ||
		!strings.Contains(said, "daemon 2 (d) is not in the configuration any more") || len(m.said) != 2 {
		t.Errorf("said:\n%s", said)
	}
}

func genFile() *rapid.Generator[mesh.Configured] {
	return rapid.Custom(func(t *rapid.T) mesh.Configured {
		var out mesh.Configured
		for id := mesh.NodeID(2); id <= 3; id++ {
			if rapid.Bool().Draw(t, "peer") {
				out.Peers = append(out.Peers, mesh.ConfiguredPeer{ID: id, Name: "n"})
			}
		}
		for id := mesh.DaemonID(1); id <= 3; id++ {
			if rapid.Bool().Draw(t, "daemon") {
				out.Daemons = append(out.Daemons, mesh.ConfiguredDaemon{
					Daemon: ref(id), Run: rapid.Bool().Draw(t, "run"), Node: mesh.NodeID(rapid.IntRange(0, 1).Draw(t, "pin")),
				})
			}
		}
		for id := mesh.ChainID(7); id <= 9; id++ {
			if rapid.Bool().Draw(t, "chain") {
				out.Chains = append(out.Chains, mesh.ConfiguredChain{
					ID: id, Replicas: rapid.Ptr(rapid.Uint32Range(1, 2), true).Draw(t, "replicas"), Hold: mesh.HoldIntent(rapid.IntRange(0, 2).Draw(t, "hold")),
				})
			}
		}
		return out
	})
}

// A node that is killed begins as if its checkpoint had been written at the last moment, over
// whichever files its orders were given, and whichever it finds. Only what the file said for less
// than the time between two checkpoints, without an order meanwhile, is not remembered.
func TestB25_WhatAKilledNodeBeginsWithIsWhatACheckpointWouldHold(t *testing.T) {
	testkit.Cases(t, 40)
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "ordered")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		m := newMachine(t, dir+"/a", genFile().Draw(t, "file"))
		changed := false // since the last checkpoint
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			m.wall = m.wall.Add(time.Duration(rapid.Int64Range(0, int64(10*time.Minute)).Draw(t, "pause")))
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				m.log.keep(snapshot.Build(m.state, m.stamp()))
				changed = false
			case 1, 2:
				if changed {
					m.log.keep(snapshot.Build(m.state, m.stamp()))
				}
				changed = true
				m.file = genFile().Draw(t, "reloaded")
				m.log.Configure(m.file)
				m.state.Apply(m.stamp(), mesh.Reload{Desired: m.file})
			case 3:
				m.publish(
					mesh.DaemonIntent{Daemon: ref(1), Intent: mesh.IntentStop, Node: 3},
					mesh.PlacementIntent{Chain: 8, Desired: 3},
					mesh.LocalReplicaIntent{Chain: 8, Intent: mesh.HoldKeep},
				)
			default:
				m.order(genOrder().Draw(t, "order"))
			}
		}
		if err := os.CopyFS(dir+"/b", os.DirFS(dir+"/a")); err != nil {
			t.Fatal(err)
		}
		m.log.keep(snapshot.Build(m.state, m.stamp()))
		next, wall := genFile().Draw(t, "next"), m.wall
		if changed || rapid.Bool().Draw(t, "same file") {
			next = m.file
		}
		m.file = next
		m.reboot(time.Minute)
		want := m.kept()
		_ = m.log.Close()
		m.dir, m.wall = dir+"/b", wall.Add(time.Minute)
		m.boot()
		defer func() { _ = m.log.Close() }()
		if diff := cmp.Diff(want, m.kept(), protocmp.Transform()); diff != "" {
			t.Fatalf("without a checkpoint it begins otherwise (-with +without):\n%s", diff)
		}
	})
}
