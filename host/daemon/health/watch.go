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

// maxPhase bounds how long after the start of a daemon its first regular check comes.
const maxPhase = 10 * time.Second

// startEvery bounds how long after its start a daemon is first asked, and how long apart checks
// within a start period are: others may wait for it.
const startEvery = time.Second

// Phase returns how long after the start of a daemon its first regular check comes: within the
// first interval, always the same for the same daemon, so that daemons that start together are
// not checked together.
func Phase(id mesh.DaemonID, interval time.Duration) time.Duration {
	span := min(interval, maxPhase)
	if span <= 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte("health " + strconv.FormatUint(uint64(id), 10)))
	return time.Duration(h.Sum64() % uint64(span))
}

// Callbacks are called with what changed. If one returns false it is called again after the
// next check.
type Callbacks struct {
	Health     func(mesh.DaemonHealth) bool
	Saturation func(float32) bool
}

// Watch checks after phase and then every interval until ctx ends, and reports what changed. A
// check that takes longer than the interval delays the next one; no two ever run at once.
//
// Until there is a verdict it asks earlier as well, since others may wait for one: before phase
// in growing steps, the first within startEvery, and within the start period, which begins now,
// every startEvery. Such a failure does not count.
func Watch(ctx context.Context, probe Probe, check Check, phase time.Duration, changed Callbacks) {
	var tally Tally
	var health mesh.DaemonHealth
	level := float32(-1) // nothing was reported yet, but an earlier run may have left a level
	if check.StartPeriod > 0 {
		phase = min(phase, startEvery)
	}
	started := time.Now().Add(max(check.StartPeriod, phase))
	due, early := time.Now().Add(phase), startEvery
	timer := time.NewTimer(phase % startEvery)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		answer := ask(ctx, probe, check.Timeout)
		if ctx.Err() != nil {
			return // the daemon ended meanwhile: the answer means nothing
		}
		starting := time.Now().Before(started) && tally.Verdict().Status == mesh.DaemonUnknown
		switch {
		case answer.Impossible != "":
			tally.Impossible(cut("it can't be checked: " + answer.Impossible))
		case answer.Failure == "":
			tally.Succeeded(check.Thresholds)
			starting = starting && tally.Verdict().Status == mesh.DaemonUnknown
		case starting:
			tally.Ignored()
		default:
			tally.Failed(cut(answer.Failure), check.Thresholds)
		}
		if v := tally.Verdict(); v != health && changed.Health(v) {
			health = v
		}
		if answer.HasSaturation && answer.Saturation != level && changed.Saturation(answer.Saturation) {
			level = answer.Saturation
		}
		every := max(check.Interval, time.Millisecond)
		if starting && check.StartPeriod > 0 {
			every = min(every, startEvery)
		}
		now := time.Now()
		for !due.After(now) {
			due = due.Add(every)
		}
		next := due
		if sooner := now.Add(early); starting && sooner.Before(due) {
			next, early = sooner, 2*early
		}
		timer.Reset(next.Sub(now))
	}
}

// ask checks once, within the timeout. It waits for a probe that exceeds the timeout, and counts
// its answer as a failure.
func ask(ctx context.Context, probe Probe, timeout time.Duration) Answer {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer := probe.Ask(limited)
	if limited.Err() != nil && answer.Impossible == "" {
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
