package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/operator/sshsig"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/testkit"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// operatorNode is a fake node for commands of operators. It verifies signatures, and answers
// with the outcome that the test sets.
type operatorNode struct {
	hostv1.UnimplementedHostServer
	t *testing.T

	mu           sync.Mutex
	snapshot     *meshosv1.Snapshot
	script       []*meshosv1.Snapshot // what --monitor sees after the command
	watches      int
	outcome      *meshosv1.VerificationOutcome
	blast        *meshosv1.BlastRadius
	cooldown     *hostv1.Cooldown
	elsewhere    []*hostv1.NodeSimulation
	roster       *hostv1.ListOperatorsResponse // nil: an older node, which does not say it
	wrongHash    bool                          // its blast hashes don't belong to the blast radius
	diskStuck    bool                          // its records don't get onto the disk: it does not answer commits
	dropsCommits bool                          // it does not answer commits, nor makes records of them
	onCommand    func()                        // called with a command, which is not answered then
	answer       func() (*hostv1.PublishResponse, error)
	// shows, if set, changes what GetSnapshot returns after so many unsigned commands.
	shows    func(s *meshosv1.Snapshot, commands int)
	commits  []*meshosv1.AdminCommand
	signers  []string // fingerprints of the last commit
	unsigned []*meshosv1.AdminEvent
}

func (j *operatorNode) GetSnapshot(context.Context, *hostv1.GetSnapshotRequest) (*meshosv1.Snapshot, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := proto.CloneOf(j.snapshot)
	if j.shows != nil {
		j.shows(s, len(j.unsigned))
	}
	return s, nil
}

func (j *operatorNode) WatchSnapshots(_ *hostv1.WatchSnapshotsRequest, stream grpc.ServerStreamingServer[meshosv1.Snapshot]) error {
	j.mu.Lock()
	show := []*meshosv1.Snapshot{proto.CloneOf(j.snapshot)}
	if j.watches++; j.watches%2 == 0 && j.shows == nil { // the first one waits for the audit record, the second one is the monitor's
		show[0].AdminAudit = nil
		show = append(show, j.script...)
	}
	j.mu.Unlock()
	for _, s := range show {
		if err := stream.Send(s); err != nil {
			return err
		}
	}
	<-stream.Context().Done()
	return stream.Context().Err()
}

func (j *operatorNode) Simulate(context.Context, *hostv1.SimulateRequest) (*hostv1.SimulateResponse, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	hash := hashOf(j.blast)
	if j.wrongHash {
		hash[0]++
	}
	return &hostv1.SimulateResponse{BlastRadius: j.blast, BlastHash: hash, Cooldown: j.cooldown, Nodes: j.elsewhere}, nil
}

func (j *operatorNode) ListOperators(context.Context, *hostv1.ListOperatorsRequest) (*hostv1.ListOperatorsResponse, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.roster == nil {
		return nil, status.Error(codes.Unimplemented, "unknown method")
	}
	return proto.CloneOf(j.roster), nil
}

// audit adds the record of a command to the snapshot.
func (j *operatorNode) audit(event *meshosv1.AdminEvent) *meshosv1.AdminAuditRecord {
	record := &meshosv1.AdminAuditRecord{
		Epoch: j.snapshot.GetEpoch(), Seq: uint64(len(j.snapshot.GetAdminAudit()) + 1), CommittedAt: timestamppb.New(noon()),
		Event: event, Outcome: j.outcome,
	}
	j.snapshot.AdminAudit = append(j.snapshot.AdminAudit, record)
	return record
}

func (j *operatorNode) Publish(ctx context.Context, in *hostv1.PublishRequest) (*hostv1.PublishResponse, error) {
	if j.onCommand != nil {
		j.onCommand()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, event := range in.GetEvents() {
		j.unsigned = append(j.unsigned, event.GetAdmin())
		taken, err := wire.AdminFromProto(event.GetAdmin())
		if err != nil {
			return nil, err
		}
		record := j.audit(wire.AdminToProto(taken)) // as a node records it
		if j.shows != nil {
			record.Reason = event.GetReason()
		}
	}
	if j.answer != nil {
		return j.answer()
	}
	return &hostv1.PublishResponse{Accepted: uint32(len(in.GetEvents()))}, nil
}

func (j *operatorNode) Commit(ctx context.Context, in *hostv1.CommitRequest) (*meshosv1.AdminAuditRecord, error) {
	if j.onCommand != nil {
		j.onCommand()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if j.answer != nil {
		_, err := j.answer()
		return nil, err
	}
	record, err := j.record(in)
	if j.diskStuck || j.dropsCommits {
		return nil, status.Error(codes.DeadlineExceeded, "as if the client's time were over")
	}
	return record, err
}

func (j *operatorNode) record(in *hostv1.CommitRequest) (*meshosv1.AdminAuditRecord, error) {
	if j.dropsCommits {
		return nil, nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	command := &meshosv1.AdminCommand{}
	if err := proto.Unmarshal(in.GetCommit().GetPayload(), command); err != nil {
		return nil, err
	}
	j.commits = append(j.commits, command)
	j.signers = nil
	record := j.audit(command.GetEvent())
	for _, raw := range in.GetCommit().GetSignatures() {
		signature, err := sshsig.Parse(raw)
		if err == nil {
			err = signature.Verify("meshos-admin", in.GetCommit().GetPayload(), sshsig.TouchRequired)
		}
		if err != nil {
			return nil, err
		}
		j.signers = append(j.signers, signature.Key.Fingerprint())
		record.Operators = append(record.Operators, &meshosv1.Operator{KeyId: signature.Key.Fingerprint(), Name: "ana", Verified: true})
	}
	record.CommitId = []byte{0xab, 0xcd}
	if j.diskStuck {
		id := sha256.Sum256(in.GetCommit().GetPayload())
		record.CommitId, record.ChainPending = id[:], true
	}
	return record, nil
}

// operatorShell runs command lines for an operator at a terminal.
type operatorShell struct {
	shell
	answers   []string // to questions; nil: there is no terminal
	interrupt func()   // called when a passphrase is asked for
	asked     []string
}

func (d *operatorShell) Ask(ctx context.Context, question string, secret bool) (string, error) {
	if secret {
		question += "(secret)"
	}
	d.asked = append(d.asked, question)
	if d.interrupt != nil && secret {
		d.interrupt()
		return "", ctx.Err()
	}
	if len(d.answers) == 0 {
		return "", errors.New("nobody answers")
	}
	answer := d.answers[0]
	d.answers = d.answers[1:]
	return answer, nil
}

func (d *operatorShell) run(ctx context.Context, line string) int {
	a := &app{
		in: strings.NewReader(""), out: &d.out, err: &d.err, env: func(key string) string { return d.env[key] },
		now: noon, zone: noon().Location(), version: "v1.2.3",
	}
	if d.answers != nil {
		a.person = d
	}
	d.out.Reset() // the output of the command before
	d.err.Reset()
	return execute(ctx, a, strings.Fields(line))
}

// must runs a command line that has to succeed.
func (d *operatorShell) must(t *testing.T, line string) {
	t.Helper()
	if code := d.run(t.Context(), line); code != exitDone {
		t.Fatalf("meshos %s: exit code %d: %s", line, code, d.err.String())
	}
}

// newOperatorNode starts a fake node, and returns it with a shell whose configuration names
// it, and the folder of that.
func newOperatorNode(t *testing.T, operators string) (*operatorNode, *operatorShell, string) {
	t.Helper()
	dir := t.TempDir()
	j := &operatorNode{
		t: t, snapshot: wire.SnapshotToProto(busy()),
		outcome: &meshosv1.VerificationOutcome{Verdict: meshosv1.VerificationOutcome_VERDICT_ACCEPTED},
		blast: &meshosv1.BlastRadius{
			AffectedNodes: []uint64{2, 3}, AffectedReplicas: []uint64{7}, AffectedDaemons: []*meshosv1.DaemonRef{{Id: 1, Name: "demo"}},
			EstimatedDrainDelay: durationpb.New(600e9), PlacementStabilityDelta: 0.15,
			Warnings: []*meshosv1.BlastRadius_Warning{{Kind: "it_is_dangerous", Detail: "somebody may notice\x1b[2J"}},
		},
	}
	j.snapshot.FreezeRemaining = nil
	ln, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	hostv1.RegisterHostServer(server, j)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	t.Cleanup(func() {
		server.Stop()
		<-ended
	})
	config := filepath.Join(dir, "meshos.toml")
	write(t, config, "[node]\nid = 1\ncluster = \"prod\"\nsocket = \"s\"\n"+operators)
	return j, &operatorShell{shell: shell{env: map[string]string{"MESHOS_CONFIG": config}}}, dir
}

const withOperators = "[operators]\nsigners = \"signers\"\n"

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fingerprint returns the fingerprint of a key.
func fingerprint(t *testing.T, n byte) string {
	return ssh.FingerprintSHA256(testkit.SSHPublicKey(t, n))
}

// startAgent starts an ssh-agent with keys for the operator.
func (d *operatorShell) startAgent(t *testing.T, numbers ...byte) {
	t.Helper()
	d.env["SSH_AUTH_SOCK"] = testkit.SSHAgent(t, numbers...)
}

// signersFile writes an allowed_signers file.
func signersFile(t *testing.T, dir string, names map[string]byte) {
	t.Helper()
	var b strings.Builder
	for name, n := range names {
		b.WriteString(name + " " + string(ssh.MarshalAuthorizedKey(testkit.SSHPublicKey(t, n))))
	}
	write(t, filepath.Join(dir, "signers"), b.String())
}

func hashOf(b *meshosv1.BlastRadius) []byte {
	hash, err := operator.Hash(b)
	if err != nil {
		panic(err)
	}
	return hash[:]
}
