package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// mayBegin asks before the next drain.
func (d *nodeDrains) mayBegin(ctx context.Context, of ref, i int) error {
	question := fmt.Sprintf("Drain node %s (%d of %d) now? [y/N] ", nameOrID(view.Plain(of.name), of.id), i+1, len(d.nodes))
	answer, err := d.app.prompter().Ask(ctx, question, false)
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case err != nil:
		return err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return fmt.Errorf("not confirmed: node %s is not drained", nameOrID(view.Plain(of.name), of.id))
	}
	return nil
}

// drain orders the drain of a node, and waits until that is over. The error is that of a call,
// if one is why; height is that of the order, 0 if there is none.
func (d *nodeDrains) drain(ctx context.Context, i int, of ref) (height uint64, end drainEnd, err error) {
	d.sent, d.ordered = false, false
	here, err := d.node.sections(ctx, hostv1.SnapshotFilter_SECTION_PEERS)
	if err != nil {
		return 0, d.failed(ctx, err), err
	}
	d.series.node = of.id
	if bad := d.series.others(here); bad != nil {
		return 0, *bad, nil
	}
	before, err := d.ask(ctx, of)
	if err != nil {
		return 0, d.failed(ctx, err), err
	}
	record, err := d.order(ctx, of)
	if err != nil {
		return 0, d.failed(ctx, err), err
	}
	d.ordered = true
	height = record.GetHeight()
	d.series.begin(of.id, before.GetEpoch(), height, d.app.now())
	d.say(i, of, fmt.Sprintf("ordered at height %d", height))
	d.last, d.said = "", time.Time{}
	look := time.NewTicker(drainLookEvery)
	defer look.Stop()
	for {
		if end := d.look(ctx, i, of); end != nil {
			return height, *end, nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return height, drainEnd{resultInterrupted, "interrupted"}, nil
		}
	}
}

// look asks how the drain and the other nodes are; nil while it goes on.
func (d *nodeDrains) look(ctx context.Context, i int, of ref) *drainEnd {
	s, err := d.ask(ctx, of)
	now := d.app.now()
	switch {
	case ctx.Err() != nil:
		return &drainEnd{resultInterrupted, "interrupted"}
	case err != nil:
		if end := d.series.missed(err, now); end != nil {
			return end
		}
	default:
		if end := d.series.see(s, now); end != nil {
			return end
		}
		if words := d.series.leftWords(); words != d.last && now.Sub(d.said) >= drainSayEvery && folded(s, d.series.height) {
			d.say(i, of, words)
			d.last, d.said = words, now
		}
	}
	here, err := d.node.sections(ctx, hostv1.SnapshotFilter_SECTION_PEERS)
	if err != nil {
		return d.series.missed(err, now)
	}
	return d.series.others(here)
}

// order sends the order to drain a node, and returns its record.
func (d *nodeDrains) order(ctx context.Context, of ref) (*meshosv1.AdminAuditRecord, error) {
	command, err := d.command(of)
	if err != nil {
		return nil, err
	}
	d.sent = true
	record, err := d.app.transmit(ctx, d.node, d.signer, d.keys, command, nil, d.target.Cluster)
	var undurable *undurableError
	var rejected *rejectedError
	if err != nil && !errors.As(err, &undurable) {
		d.sent = !errors.As(err, &rejected)
		return nil, err
	}
	d.sent = false
	if outcome := record.GetOutcome(); outcome.GetVerdict() == meshosv1.VerificationOutcome_VERDICT_REJECTED {
		return nil, &rejectedError{reason: outcome.GetKind() + ": " + view.Plain(outcome.GetMessage())}
	}
	return record, nil
}

// failed returns how a drain ended of which a call failed.
func (d *nodeDrains) failed(ctx context.Context, err error) drainEnd {
	var unknown *unknownError
	var silent *noAnswerError
	var rejected *rejectedError
	switch {
	case ctx.Err() != nil:
		return drainEnd{resultInterrupted, err.Error()}
	case errors.As(err, &unknown), d.sent:
		return drainEnd{resultUnknown, err.Error()}
	case errors.As(err, &silent):
		return drainEnd{resultUnreachable, err.Error()}
	case errors.As(err, &rejected):
		return drainEnd{resultRefused, err.Error()}
	}
	return drainEnd{resultFailed, err.Error()}
}
