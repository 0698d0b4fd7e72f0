package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

var (
	theSeeds = []int{1, 2, 3, 4, 5}
	everyone = []int{1, 2, 3, 4, 5, leaf}
)

func (b *bench) found(ctx context.Context) (string, error) {
	began := time.Now()
	if err := b.lab.Found(ctx, seeds, theSeeds...); err != nil {
		return "", err
	}
	if err := b.order(ctx, 3); err != nil {
		return "", err
	}
	_, err := b.equal(ctx, 1, theSeeds...)
	return seconds(time.Since(began)), err
}

func (b *bench) join(ctx context.Context) (string, error) {
	n := b.lab.Node(leaf)
	token, err := b.lab.Node(1).Token(ctx, leaf, false)
	if err != nil {
		return "", err
	}
	if err := n.Use(ctx, token, false); err != nil {
		return "", err
	}
	began := time.Now()
	if err := n.Start(); err != nil {
		return "", err
	}
	for _, id := range theSeeds {
		_, err := b.snapshot(ctx, id, func(s *meshosv1.Snapshot) bool {
			return slices.ContainsFunc(s.GetPeers(), func(p *meshosv1.PeerView) bool {
				return p.GetPeer() == leaf && !p.GetMember().GetGone() && p.GetMember().GetSummary() != nil
			})
		})
		if err != nil {
			return "", err
		}
	}
	return seconds(time.Since(began)) + ", the start of its process included", nil
}

func (b *bench) commits(ctx context.Context, count int) (string, error) {
	at, err := b.equal(ctx, 1, everyone...)
	if err != nil {
		return "", err
	}
	var took, answered []time.Duration
	for i := range count {
		began := time.Now()
		if err := b.order(ctx, everyone[i%len(everyone)]); err != nil {
			return "", err
		}
		answered = append(answered, time.Since(began))
		if at, err = b.equal(ctx, at+1, everyone...); err != nil {
			return "", err
		}
		took = append(took, time.Since(began))
	}
	return fmt.Sprintf("p50 %s, p99 %s; answered there: p50 %s, p99 %s",
		millis(share(took, 0.5)), millis(share(took, 0.99)), millis(share(answered, 0.5)), millis(share(answered, 0.99))), nil
}

// share returns what this share of durations is below.
func share(of []time.Duration, p float64) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

func (b *bench) killed(ctx context.Context) (string, error) {
	return b.withoutEach(ctx, func(pid int) func() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		return func() {}
	})
}

func (b *bench) stopped(ctx context.Context) (string, error) {
	return b.withoutEach(ctx, func(pid int) func() {
		_ = syscall.Kill(pid, syscall.SIGSTOP)
		return func() { _ = syscall.Kill(pid, syscall.SIGCONT) }
	})
}

// withoutEach takes away one seed's plugin after the other, until that was the one that leads:
// without it nothing is accepted for a while.
func (b *bench) withoutEach(ctx context.Context, away func(pid int) (back func())) (string, error) {
	longest, others := time.Duration(0), time.Duration(0)
	for _, id := range theSeeds {
		if _, err := b.settle(ctx); err != nil {
			return "", err
		}
		pid, err := b.plugin(ctx, id)
		if err != nil {
			return "", err
		}
		began := time.Now()
		back := away(pid)
		err = b.orderAny(ctx, without(everyone, id)...)
		took := time.Since(began)
		back()
		if err != nil {
			return "", err
		}
		if took > longest {
			longest, others = took, longest
		} else {
			others = max(others, took)
		}
		if took > time.Second {
			break
		}
	}
	return seconds(longest) + "; without another seed at most " + seconds(others), nil
}

// settle waits until all take orders and have one log.
func (b *bench) settle(ctx context.Context) (uint64, error) {
	for _, id := range theSeeds {
		if _, err := b.snapshot(ctx, id, func(s *meshosv1.Snapshot) bool {
			l := s.GetMesh().GetLink()
			return l.GetConnected() && l.GetQuorum() && l.GetAlarm() == ""
		}); err != nil {
			return 0, err
		}
	}
	return b.equal(ctx, 1, everyone...)
}

func (b *bench) partition(ctx context.Context) (string, error) {
	return b.cutLeader(ctx, func(minority, majority []int) { b.lab.Net.Cut(minority, majority) }, 2)
}

func (b *bench) oneWay(ctx context.Context) (string, error) {
	return b.cutLeader(ctx, func(one, others []int) { b.lab.Net.OneWay(one, others) }, 1)
}

// cutLeader cuts some seeds off, one choice after the other, until the one that leads was among
// them.
func (b *bench) cutLeader(ctx context.Context, cut func(away, rest []int), size int) (string, error) {
	longest, healed := time.Duration(0), time.Duration(0)
	for i := 0; i < seeds; i += size {
		at, err := b.settle(ctx)
		if err != nil {
			return "", err
		}
		away := theSeeds[i:min(i+size, seeds)]
		rest := without(theSeeds, away...)
		began := time.Now()
		cut(away, append(slices.Clone(rest), leaf))
		err = b.orderAny(ctx, rest...)
		took := time.Since(began)
		if !pause(ctx, 2*time.Second) {
			return "", ctx.Err()
		}
		b.lab.Net.Heal()
		began = time.Now()
		if err != nil {
			return "", err
		}
		if _, err := b.equal(ctx, at+1, everyone...); err != nil {
			return "", err
		}
		if took > longest {
			longest, healed = took, time.Since(began)
		}
		if took > time.Second {
			break
		}
	}
	return seconds(longest) + " · " + seconds(healed), nil
}

func (b *bench) leafCut(ctx context.Context, cut time.Duration) (string, error) {
	at, err := b.settle(ctx)
	if err != nil {
		return "", err
	}
	b.lab.Net.Cut(theSeeds, []int{leaf})
	began := time.Now()
	for i := range 20 {
		if err := b.order(ctx, theSeeds[i%seeds]); err != nil {
			return "", errors.Join(err, ctx.Err())
		}
	}
	if !pause(ctx, cut-time.Since(began)) {
		return "", ctx.Err()
	}
	b.lab.Net.Heal()
	began = time.Now()
	_, err = b.equal(ctx, at+20, everyone...)
	return seconds(time.Since(began)), err
}

func (b *bench) lostStore(ctx context.Context) (string, error) {
	if _, err := b.settle(ctx); err != nil {
		return "", err
	}
	n := b.lab.Node(2)
	if err := n.Stop(); err != nil {
		return "", err
	}
	if err := os.RemoveAll(filepath.Join(n.Data(), "plugins", "mesh-nats")); err != nil {
		return "", err
	}
	if err := b.order(ctx, 1); err != nil {
		return "", err
	}
	began := time.Now()
	if err := n.Start(); err != nil {
		return "", err
	}
	if _, err := b.settle(ctx); err != nil {
		return "", err
	}
	return seconds(time.Since(began)) + ", the start of its process included", nil
}

func without(ids []int, some ...int) []int {
	return slices.DeleteFunc(slices.Clone(ids), func(id int) bool { return slices.Contains(some, id) })
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
func millis(d time.Duration) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond)), ".0") + " ms"
}
