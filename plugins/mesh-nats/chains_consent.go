package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
)

// consent asks a node to agree to hold a chain, or to keep it. It returns why it does not, or "".
func (h *holder) consent(ctx context.Context, chain, node uint64, keep bool) (why string) {
	if node == h.id {
		return h.agree(chain, keep)
	}
	answer := &natsv1.ConsentAnswer{}
	if err := h.request(ctx, subjectConsent(node, h.id), &natsv1.Consent{Chain: chain, Keep: keep}, answer); err != nil {
		return err.Error()
	}
	if !answer.GetAgrees() {
		return answer.GetWhy()
	}
	return ""
}

// release tells a node that it need not agree any more. One that does not hear it drops the tag
// a minute after it agreed.
func (h *holder) release(chain, node uint64) {
	if node == h.id {
		if err := h.tags.Drop(tagOf(chain)); err != nil {
			h.log.Warn("still agrees to hold a chain", "chain", chain, "error", err)
		}
		return
	}
	h.say(subjectConsent(node, h.id), &natsv1.Consent{Chain: chain, End: true})
}

// agree has this node agree, and returns why it does not, or "".
func (h *holder) agree(chain uint64, keep bool) (why string) {
	if beat := h.beat(); beat.GetClosed() && !keep {
		return beat.GetWhy()
	}
	if err := h.tags.Bear(tagOf(chain), time.Now().Add(consentFor)); err != nil {
		return err.Error()
	}
	return ""
}

func (h *holder) hearConsent(m *nats.Msg) {
	asked := &natsv1.Consent{}
	if proto.Unmarshal(m.Data, asked) != nil {
		return
	}
	if asked.GetEnd() {
		h.release(asked.GetChain(), h.id)
		return
	}
	why := h.agree(asked.GetChain(), asked.GetKeep())
	h.respond(m, &natsv1.ConsentAnswer{Agrees: why == "", Why: why})
}

// hearPull takes the wish of another node to hold a chain that this one leads.
func (h *holder) hearPull(m *nats.Msg) {
	asked := &natsv1.Pull{}
	if proto.Unmarshal(m.Data, asked) != nil {
		return
	}
	_, _, from := split(m.Subject)
	h.spawn(func() { // it asks the engine, which answers on the same connection
		answer := &natsv1.PullAnswer{Begun: true}
		if id := asked.GetAbort(); id != 0 {
			if m := h.moveOf(id); m != nil {
				m.migration.takeBack(asked.GetReason())
			} else {
				answer = &natsv1.PullAnswer{Why: fmt.Sprintf("no move %d is under way", id)}
			}
			h.respond(m, answer)
			return
		}
		if change, err := h.pulled(h.ctx, asked.GetChain(), from); err != nil {
			answer = &natsv1.PullAnswer{Why: err.Error()}
		} else if move := h.beginMove(asked.GetChain(), change); !slices.Contains(move.change.Targets, hubName(from)) {
			answer = &natsv1.PullAnswer{Why: move.change.String() + " is under way"}
		}
		h.respond(m, answer)
	})
}

// pulled returns the change that gives a node a replica: one more where there are too few, else
// in place of a holder that does not lead.
func (h *holder) pulled(ctx context.Context, chain, from uint64) (chains.Change, error) {
	c, i, err := h.led(ctx, chain)
	if err != nil {
		return chains.Change{}, err
	}
	if left := h.shuns(chain, from); left > 0 {
		return chains.Change{}, fmt.Errorf("that move was aborted, and is not begun again for %s", left.Round(time.Second))
	}
	change := chains.Change{Stream: streamOf(c), Self: hubName(h.id), Targets: []string{hubName(from)}}
	if i.Replicas < int(c.GetReplicas()) {
		change.Kind, change.Replicas = chains.Grow, i.Replicas+1
		return change, nil
	}
	change.Kind, change.Victim = chains.Swap, h.victim(i)
	if change.Victim == "" {
		return chains.Change{}, fmt.Errorf("no holder of chain %d can give its replica up", chain)
	}
	return change, nil
}

// request asks another node and waits for its answer.
func (h *holder) request(ctx context.Context, subject string, ask, answer proto.Message) error {
	raw, err := proto.Marshal(ask)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	m, err := h.nc.RequestWithContext(ctx, subject, raw)
	if err != nil {
		return fmt.Errorf("it does not answer: %w", err)
	}
	return proto.Unmarshal(m.Data, answer)
}

func (h *holder) requestPull(ctx context.Context, chain, leader uint64) error {
	answer := &natsv1.PullAnswer{}
	if err := h.request(ctx, subjectPull(leader, h.id), &natsv1.Pull{Chain: chain}, answer); err != nil {
		return later("chain %d: %s: %w", chain, h.nameOf(leader), err)
	}
	if !answer.GetBegun() {
		h.release(chain, h.id) // nobody makes use of it; whoever does not answer may
		return later("chain %d: %s gives no replica: %s", chain, h.nameOf(leader), answer.GetWhy())
	}
	return nil
}
