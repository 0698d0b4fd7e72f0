package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/sshsig"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// errRefused means that the node says that it does not take an order.
var errRefused = errors.New("refused")

// order signs an order and commits it.
func (s *stage) order(ctx context.Context, event *meshosv1.AdminEvent) error {
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return err
	}
	payload, err := proto.Marshal(&meshosv1.AdminCommand{ClusterId: "default", IssuedAt: timestamppb.Now(), Nonce: nonce, Event: event})
	if err != nil {
		return err
	}
	signature, err := sshsig.Sign(s.signer, rules.Namespace, payload)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	record, err := s.Commit(ctx, &hostv1.CommitRequest{Commit: &meshosv1.SignedCommit{Payload: payload, Signatures: [][]byte{signature}}})
	if err != nil {
		return err
	}
	if kind := record.GetOutcome().GetKind(); kind != "" {
		return fmt.Errorf("%w: %s", errRefused, kind)
	}
	return nil
}

func ref(d *daemon) *meshosv1.DaemonRef { return &meshosv1.DaemonRef{Id: uint64(d.id)} }

// intend orders whether a daemon should run.
func (s *stage) intend(ctx context.Context, d *daemon, intent meshosv1.DaemonIntent_Intent) {
	d.rerun++
	err := s.order(ctx, &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_SetDaemonIntent{
		SetDaemonIntent: &meshosv1.SetDaemonIntent{Node: 1, Daemon: ref(d), Intent: intent},
	}})
	s.history.add("order daemon %d: %v: %v", d.id, intent, err)
	switch {
	case err == nil:
		d.ordered, d.unsure = intent, false
	case !errors.Is(err, errRefused):
		d.unsure = true
	}
}

// restart orders a restart.
func (s *stage) restart(ctx context.Context, d *daemon) {
	d.rerun++
	err := s.order(ctx, &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_RestartDaemon{
		RestartDaemon: &meshosv1.RestartDaemon{Node: 1, Daemon: ref(d)},
	}})
	s.history.add("order daemon %d: restart: %v", d.id, err)
}

// drain drains the node, or ends that.
func (s *stage) drain(ctx context.Context, drain bool) error {
	event := &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Uncordon{Uncordon: &meshosv1.NodeTarget{Node: 1}}}
	if drain {
		event.Kind = &meshosv1.AdminEvent_Drain{Drain: &meshosv1.Drain{Node: 1, DrainFor: durationpb.New(time.Hour)}}
		for _, d := range s.daemons {
			d.rerun++ // of those that had not ended
		}
	}
	err := s.order(ctx, event)
	s.history.add("order: drain %v: %v", drain, err)
	switch {
	case err == nil:
		s.drained, s.unsure = drain, false
	case !errors.Is(err, errRefused):
		s.unsure = true
	}
	return err
}
