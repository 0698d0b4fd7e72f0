// Package clustertest makes logs of a mesh for tests: nodes, operators and tokens whose keys
// follow from their numbers, and entries in the order in which a test asks for them.
package clustertest

import (
	"crypto/ed25519"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/sshsig"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// The operators, of whom the founding names the first two.
const (
	Alice = iota + 1
	Bob
	Eve
)

// Cluster is the id of the cluster.
const Cluster = "c"

// Begin is when the log begins.
func Begin() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// Key is a key that follows from a kind and a number.
type Key struct{ ed25519.PrivateKey }

// NewKey returns the key of a kind and a number.
func NewKey(kind byte, number uint64) Key {
	seed := binary.BigEndian.AppendUint64(make([]byte, 23), number)
	return Key{ed25519.NewKeyFromSeed(append(seed, kind))}
}

// Sign signs a message.
func (k Key) Sign(message []byte) []byte { return ed25519.Sign(k.PrivateKey, message) }

// Public returns the public key.
func (k Key) Public() (out mesh.PublicKey) {
	copy(out[:], k.PrivateKey.Public().(ed25519.PublicKey))
	return out
}

// NodeKey returns the key of a node.
func NodeKey(id mesh.NodeID) Key { return NewKey(1, uint64(id)) }

// LinkKey returns the key of a node's links.
func LinkKey(id mesh.NodeID) Key { return NewKey(2, uint64(id)) }

// TokenKey returns the key of a token.
func TokenKey(number uint64) Key { return NewKey(3, number) }

// Node returns the command that admits a node.
func Node(id mesh.NodeID, name string, seed bool) mesh.AdmitNode {
	return mesh.AdmitNode{Node: id, Name: name, Key: NodeKey(id).Public(), LinkKey: LinkKey(id).Public(), Seed: seed}
}

// Signers returns an allowed_signers file for some operators.
func Signers(t testing.TB, who ...int) string {
	t.Helper()
	names := []string{"", "alice", "bob", "eve"}
	var b strings.Builder
	for _, w := range who {
		b.WriteString(names[w] + ` namespaces="meshos-admin" ` + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(operator(t, w).PublicKey()))) + "\n")
	}
	return b.String()
}

func operator(t testing.TB, who int) ssh.Signer {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(NewKey(4, uint64(who)).PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// Log is a log in the making. Each entry is ordered and taken by the log Step after the one
// before.
type Log struct {
	t       testing.TB
	State   *cluster.State // behind all entries
	Entries []*meshosv1.LoggedEntry
	Now     time.Time     // when the next entry is ordered and taken
	Skew    time.Duration // of the clock of the host that orders
	Step    time.Duration
	nonces  uint64
}

// New returns a log with its first entry, by node 1. With operators these are Alice and Bob:
// both have to sign what breaks the glass.
func New(t testing.TB, operators bool) *Log {
	t.Helper()
	return NewWithChains(t, operators, 0)
}

// NewWithChains is New of a log whose first entry says that so many chains follow.
func NewWithChains(t testing.TB, operators bool, chains int) *Log {
	t.Helper()
	l := &Log{t: t, State: cluster.New(), Now: Begin(), Step: time.Second}
	set := mesh.SetSigners{NeedOrdinary: 1, NeedBreakGlass: 2, NeedThaw: 1}
	if operators {
		set.AllowedSigners = Signers(t, Alice, Bob)
	}
	e, err := cluster.NewFounding(Cluster, Node(1, "alpha", true), set,
		rules.Policy{Freshness: 5 * time.Minute, Cooldown: time.Minute}, chains, l.Now)
	if err != nil {
		t.Fatal(err)
	}
	l.Add(e, 1)
	return l
}

// Command returns a command that is fresh and complete.
func (l *Log) Command(ev mesh.AdminEvent) *meshosv1.AdminCommand {
	l.nonces++
	out := &meshosv1.AdminCommand{
		ClusterId: Cluster, Event: wire.AdminToProto(ev), IssuedAt: timestamppb.New(l.Now.Add(l.Skew)),
		Nonce: binary.BigEndian.AppendUint64(make([]byte, 8), l.nonces),
	}
	if ev.BreakGlass() {
		out.BlastHash = append(make([]byte, 31), 1)
	}
	return out
}

// Sign signs a command.
func Sign(t testing.TB, command *meshosv1.AdminCommand, by ...int) *meshosv1.SignedCommit {
	t.Helper()
	payload, err := proto.MarshalOptions{Deterministic: true}.Marshal(command)
	if err != nil {
		t.Fatal(err)
	}
	out := &meshosv1.SignedCommit{Payload: payload}
	for _, who := range by {
		signature, err := sshsig.Sign(operator(t, who), rules.Namespace, payload)
		if err != nil {
			t.Fatal(err)
		}
		out.Signatures = append(out.Signatures, signature)
	}
	return out
}

// Commit returns an entry with a command that some operators signed.
func (l *Log) Commit(ev mesh.AdminEvent, by ...int) *meshosv1.OrderedEntry {
	l.t.Helper()
	return Commit(Sign(l.t, l.Command(ev), by...))
}

// Commit returns an entry with a signed command.
func Commit(c *meshosv1.SignedCommit) *meshosv1.OrderedEntry {
	return &meshosv1.OrderedEntry{Order: &meshosv1.OrderedEntry_Commit{Commit: c}}
}

// Unsigned returns an entry with a command that nobody signed.
func Unsigned(ev mesh.AdminEvent) *meshosv1.OrderedEntry {
	return &meshosv1.OrderedEntry{Order: &meshosv1.OrderedEntry_Event{Event: wire.EventToProto(mesh.AdminReceived{Event: ev})}}
}

// Joining returns an entry with the joining of a node that has a token.
func Joining(id mesh.NodeID, name string, token uint64) *meshosv1.OrderedEntry {
	j := cluster.NewJoining(id, name, NodeKey(id).Public(), LinkKey(id).Public(), TokenKey(token), NodeKey(id))
	return &meshosv1.OrderedEntry{Order: &meshosv1.OrderedEntry_Joining{Joining: j}}
}

// Recovery returns an entry with a recovery that some seeds signed.
func (l *Log) Recovery(commands mesh.SetSigners, by ...mesh.NodeID) *meshosv1.OrderedEntry {
	_, _, replaces := l.State.Signers()
	r := cluster.NewRecovery(l.State.Cluster(), l.State.Founding(), replaces, commands, "all keys are lost", l.Now)
	for _, id := range by {
		cluster.SignRecovery(r, id, NodeKey(id))
	}
	return &meshosv1.OrderedEntry{Order: &meshosv1.OrderedEntry_Recovery{Recovery: r}}
}

// Seal returns an entry in its place, as a node orders it and the log takes it now.
func (l *Log) Seal(e *meshosv1.OrderedEntry, by mesh.NodeID) *meshosv1.LoggedEntry {
	l.t.Helper()
	raw, err := l.State.Seal(e, by, l.Now.Add(l.Skew), NodeKey(by))
	if err != nil {
		l.t.Fatal(err)
	}
	return &meshosv1.LoggedEntry{Entry: raw, LogTime: timestamppb.New(l.Now)}
}

// Add adds an entry that a node orders, and returns what it led to.
func (l *Log) Add(e *meshosv1.OrderedEntry, by mesh.NodeID) cluster.Outcome {
	l.t.Helper()
	logged := l.Seal(e, by)
	c, err := l.State.Check(logged)
	if err != nil {
		l.t.Fatal(err)
	}
	l.Entries = append(l.Entries, logged)
	l.Now = l.Now.Add(l.Step)
	return l.State.Fold(c)
}
