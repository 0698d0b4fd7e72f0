package health

import (
	"context"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/meshos/meshos/host/mesh"
)

// maxPhase bounds how long after the start the first check comes.
const maxPhase = 10 * time.Second

// Phase is how long after its start a daemon is asked first: somewhere within the
// first interval, always the same for the same daemon, so that those that start
// together are not asked together.
func Phase(id mesh.DaemonID, interval time.Duration) time.Duration {
	span := min(interval, maxPhase)
	if span <= 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte("health " + strconv.FormatUint(uint64(id), 10)))
	return time.Duration(h.Sum64() % uint64(span))
}

// Told takes what changed. False says that it was not taken; then it is told again
// after the next check.
type Told struct {
	Health     func(mesh.DaemonHealth) bool
	Saturation func(float32) bool
}

// Watch asks after phase and then every interval until ctx ends, and tells what
// changed. A check that takes longer than the interval delays the next one; no two
// are ever under way at once.
func Watch(ctx context.Context, probe Probe, check Check, phase time.Duration, told Told) {
	var tally Tally
	var health mesh.DaemonHealth
	level := float32(-1) // nothing was told yet: what an earlier run said may still count
	due := time.Now().Add(phase)
	timer := time.NewTimer(phase)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		answer := ask(ctx, probe, check.Timeout)
		if ctx.Err() != nil {
			return // the daemon ended meanwhile: this says nothing
		}
		if answer.Failure == "" {
			tally.Succeeded(check.Thresholds)
		} else {
			tally.Failed(cut(answer.Failure), check.Thresholds)
		}
		if v := tally.Verdict(); v != health && told.Health(v) {
			health = v
		}
		if answer.Said && answer.Saturation != level && told.Saturation(answer.Saturation) {
			level = answer.Saturation
		}
		for now := time.Now(); !due.After(now); {
			due = due.Add(max(check.Interval, time.Millisecond))
		}
		timer.Reset(time.Until(due))
	}
}

// ask asks once, within the timeout. A probe that does not heed it is waited for,
// and what it says then comes too late.
func ask(ctx context.Context, probe Probe, timeout time.Duration) Answer {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer := probe.Ask(limited)
	if limited.Err() != nil {
		answer.Failure = timedOut(timeout)
	}
	return answer
}

func cut(reason string) string {
	reason = strings.ToValidUTF8(reason, "\uFFFD")
	if len(reason) <= maxReason {
		return reason
	}
	end := maxReason
	for !utf8.RuneStart(reason[end]) {
		end--
	}
	return reason[:end] + "…"
}
