package ordered

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/disk/diskfault"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestB25_ADamagedCheckpointIsSaidAndMadeAnew(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"a flipped bit": func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"cut off":       func(b []byte) []byte { return b[:len(b)-3] },
		"empty":         func([]byte) []byte { return nil },
		"zeros":         func(b []byte) []byte { return make([]byte, len(b)) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, t.TempDir(), file(true, 2))
			m.order(mesh.Cordon{Node: 2})
			m.tick(time.Second)
			m.order(mesh.Drain{Node: this})
			m.tick(time.Second)
			path := filepath.Join(m.dir, "ordered", checkpointName)
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(raw), 0o600); err != nil {
				t.Fatal(err)
			}
			m.reboot(time.Second)
			if notes := m.log.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "made anew from the log") {
				t.Errorf("noted %q", notes)
			}
			if !m.state.Maintenance().Draining || !m.state.Cordoned(2) || m.state.Orders().Height != 2 {
				t.Errorf("restored %+v", m.state.Orders())
			}
			m.tick(time.Second)
			m.reboot(time.Second)
			if notes := m.log.Notes(); len(notes) != 0 || !m.state.Maintenance().Draining {
				t.Errorf("after it was made anew: noted %q", notes)
			}
		})
	}
}

func TestB25_ACheckpointOutlivesTheLossOfItsLog(t *testing.T) {
	m := newMachine(t, t.TempDir(), file(true, 2))
	m.order(mesh.Cordon{Node: 2})
	m.order(mesh.Drain{Node: this})
	m.tick(time.Second)
	files, _ := filepath.Glob(filepath.Join(m.dir, "ordered", "*.rec"))
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	m.reboot(time.Second)
	if notes := m.log.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "orders before it are lost, what they left is not") {
		t.Errorf("noted %q", notes)
	}
	if record := m.order(mesh.Uncordon{Node: 2}); record.Ordered.Height != 3 {
		t.Errorf("the next order has height %d", record.Ordered.Height)
	}
	m.reboot(time.Second) // before a checkpoint
	if !m.state.Evacuating() || m.state.Cordoned(2) || m.state.Orders().Height != 3 {
		t.Errorf("restored %+v", m.state.Orders())
	}
}

func TestB25_WhatANewerVersionWroteIsNotLost(t *testing.T) {
	unknown := protowire.AppendTag(nil, 99, protowire.BytesType)
	unknown = protowire.AppendString(unknown, "new")
	for name, newer := range map[string]func(t *testing.T, m *machine){
		"the form of the checkpoint": func(t *testing.T, m *machine) {
			path := filepath.Join(m.dir, "ordered", checkpointName)
			if err := os.WriteFile(path, []byte("meshos orders 99 whatever\nsomething else"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"a field of the checkpoint": func(t *testing.T, m *machine) {
			c, err := readCheckpoint(m.log.dir, checkpointName)
			if err != nil {
				t.Fatal(err)
			}
			c.GetState().ProtoReflect().SetUnknown(unknown)
			if err := writeCheckpoint(m.log.dir, checkpointName, c); err != nil {
				t.Fatal(err)
			}
		},
		"an order": func(t *testing.T, m *machine) {
			var command meshosv1.AdminCommand
			command.Event = &meshosv1.AdminEvent{}
			command.Event.ProtoReflect().SetUnknown(unknown)
			payload, err := proto.Marshal(&command)
			if err != nil {
				t.Fatal(err)
			}
			entry := &meshosv1.OrderedEntry{Order: &meshosv1.OrderedEntry_Commit{Commit: &meshosv1.SignedCommit{Payload: payload}}}
			if _, err := m.log.append([]*meshosv1.OrderedEntry{entry}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, t.TempDir(), file(true, 2))
			m.order(mesh.Cordon{Node: 2})
			m.tick(time.Second)
			newer(t, m)
			if err := m.log.Close(); err != nil {
				t.Fatal(err)
			}
			before := contents(t, m.log.dir)
			_, err := Open(m.options())
			var refused *NewerError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), "run the newer version") || refused.Dir != m.log.dir {
				t.Errorf("got %v", err)
			}
			if after := contents(t, m.log.dir); after != before {
				t.Error("something was changed")
			}
		})
	}
}

// contents returns all files of a folder.
func contents(t *testing.T, dir string) (all string) {
	t.Helper()
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		raw, err := os.ReadFile(filepath.Join(dir, n.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all += n.Name() + "\n" + string(raw)
	}
	return all
}

func TestB25_AnOrderThatCanNotBeKeptIsRefusedAndAThawIsNot(t *testing.T) {
	disk := diskfault.New()
	m := newMachine(t, t.TempDir(), file(true, 2))
	_ = m.log.Close()
	o := m.options()
	o.fs = disk
	log, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	m.log = log
	disk.SetFault(func(op, _ string) error {
		if op == "write" || op == "create" {
			return unix.ENOSPC
		}
		return nil
	})
	if got := m.order(mesh.FreezeCluster{TTL: time.Hour}); got.Outcome.Kind != kindUnavailable || got.Ordered.Height != 0 {
		t.Errorf("recorded %+v", got)
	}
	m.state.Apply(m.stamp(), mesh.JudgedCommit{Event: mesh.FreezeCluster{TTL: time.Hour}, Outcome: mesh.Verification{Verdict: mesh.VerdictAccepted}})
	if got := m.order(mesh.ThawCluster{}); got.Outcome.Verdict != mesh.VerdictAccepted {
		t.Errorf("recorded %+v", got)
	}
	unsigned, err := log.Queue(m).Unsigned(t.Context(), mesh.AdminReceived{Event: mesh.Cordon{Node: 2}})
	if err != nil || unsigned.Outcome.Kind != kindUnavailable {
		t.Errorf("recorded %+v, %v", unsigned, err)
	}
	var unavailable *UnavailableError
	n, err := log.Queue(m).PublishBatch(t.Context(), []mesh.Event{
		mesh.LogLine{Level: mesh.LevelInfo, Message: "a fact"}, mesh.PlacementIntent{Chain: 7, Desired: 3},
	})
	if n != 1 || !errors.As(err, &unavailable) {
		t.Errorf("published %d, %v", n, err)
	}
	disk.SetFault(nil)
	if got := m.order(mesh.Cordon{Node: 2}); got.Ordered.Height != 1 || got.Outcome.Verdict != mesh.VerdictAccepted {
		t.Errorf("after there is room: %+v", got)
	}
}

func TestB25_EntriesAreLinkedByTheirHashes(t *testing.T) {
	m := newMachine(t, t.TempDir(), file(true, 2))
	m.order(mesh.Cordon{Node: 2})
	m.publish(mesh.PlacementIntent{Chain: 7, Desired: 3})
	m.order(mesh.FreezeCluster{TTL: time.Hour})
	if got := m.order(mesh.Cordon{Node: 3}); got.Outcome.Kind != mesh.RejectFrozen || got.Ordered.Height != 4 {
		t.Errorf("what the freeze holds back: %+v", got)
	}
	r := m.log.chain.Read(1)
	defer r.Close()
	prev := hash{}
	for height := uint64(1); height <= 4; height++ {
		raw, _, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		e, err := decode(raw.Data)
		if err != nil || e.GetHeight() != height || e.GetBy() != uint64(this) || string(e.GetPrev()) != string(prev[:len(e.GetPrev())]) {
			t.Errorf("height %d: %v, %v", height, e, err)
		}
		prev = hashOf(raw.Data)
	}
	m.reboot(0)
	if m.state.Cordoned(3) || !m.state.Cordoned(2) {
		t.Error("the entry that the freeze held back was carried out at the restart")
	}
}
