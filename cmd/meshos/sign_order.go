package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/operator/signers"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// signNamespace is what `ssh-keygen -Y sign -n` has to be given.
const signNamespace = signers.Namespace

const nonceSize = 16

// payloadOf encodes a command as it is signed, with a nonce of its own.
func payloadOf(o order, hash []byte, cluster string, now time.Time) ([]byte, error) {
	nonce := make([]byte, nonceSize)
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("draw a nonce: %w", err)
	}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(&meshosv1.AdminCommand{
		ClusterId: cluster, Event: o.event, IssuedAt: timestamppb.New(now.Truncate(time.Millisecond)), Nonce: nonce, BlastHash: hash,
	})
	if err != nil {
		return nil, fmt.Errorf("encode the command: %w", err)
	}
	return raw, nil
}

// signOrder makes a signed command out of one that was confirmed.
func (a *app) signOrder(ctx context.Context, o order, hash []byte, cluster string, keys []signer) (*meshosv1.SignedCommit, error) {
	payload, err := payloadOf(o, hash, cluster, a.now())
	if err != nil {
		return nil, err
	}
	commit := &meshosv1.SignedCommit{Payload: payload}
	for _, key := range keys {
		signature, err := a.sign(ctx, key, payload)
		if err != nil {
			return nil, err
		}
		commit.Signatures = append(commit.Signatures, signature)
	}
	return commit, nil
}
