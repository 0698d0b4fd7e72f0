package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/sshsig"
	"github.com/meshos/meshos/host/records"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// order signs an ordinary command and commits it, and returns the id under which it was
// acknowledged as accepted and durable.
func (n *node) order(ctx context.Context, number uint64) (id string, err error) {
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	payload, err := proto.Marshal(&meshosv1.AdminCommand{
		ClusterId: "default", IssuedAt: timestamppb.Now(), Nonce: nonce,
		Event: &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Cordon{Cordon: &meshosv1.NodeTarget{Node: 100 + number}}},
	})
	if err != nil {
		return "", err
	}
	signature, err := sshsig.Sign(n.signer, rules.Namespace, payload)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	record, err := n.Commit(ctx, &hostv1.CommitRequest{
		Commit: &meshosv1.SignedCommit{Payload: payload, Signatures: [][]byte{signature}},
	})
	if err != nil {
		return "", err
	}
	if kind := record.GetOutcome().GetKind(); kind != "" {
		return "", fmt.Errorf("rejected: %s", kind)
	}
	return string(record.GetCommitId()), nil
}

// lost returns how many acknowledged commands have no record on the disk of a node that
// was killed.
func lost(ctx context.Context, dir string, acknowledged []string) (int, error) {
	r, err := records.Open(records.Options{Dir: filepath.Join(dir, "data", "records")})
	if err != nil {
		return 0, err
	}
	defer func() { _ = r.Close() }()
	stored := make(map[string]bool)
	err = r.Read(ctx, mesh.ChainAudit, mesh.RecordPosition{}, func(bool) error { return nil }, func(record *meshosv1.Record) error {
		stored[string(record.GetAudit().GetCommitId())] = true
		return nil
	})
	missing := 0
	for _, id := range acknowledged {
		if !stored[id] {
			missing++
		}
	}
	return missing, err
}
