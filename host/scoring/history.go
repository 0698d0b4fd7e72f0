package scoring

import (
	"fmt"
	"math"
	"time"
)

// Trend is where a chain's worst score is going.
type Trend uint8

// The trends.
const (
	Stable Trend = iota
	Degrading
	Improving
)

// String returns the trend as people read it.
func (t Trend) String() string {
	switch t {
	case Degrading:
		return "degrading"
	case Improving:
		return "improving"
	}
	return "stable"
}

const (
	historyLength = 64   // samples kept
	smoothing     = 0.3  // weight of the newest sample
	deadBand      = 0.02 // around the mean
)

// Sample is the worst score of a chain's holders at a time.
type Sample struct {
	At    time.Time
	Score float32
}

// History is how the worst score of one chain developed. Nothing is decided from it.
type History struct {
	Samples []Sample // oldest first, at most 64
	Current float32
	Mean    float32 // exponentially weighted, the newest sample with 0.3
	Trend   Trend
}

// String returns it as people read it: "worst score 0.62, recent mean 0.70: degrading
// (12 samples in 5m30s)".
func (h History) String() string {
	if len(h.Samples) == 1 {
		return fmt.Sprintf("worst score %.2f (one sample)", h.Current)
	}
	span := h.Samples[len(h.Samples)-1].At.Sub(h.Samples[0].At)
	return fmt.Sprintf("worst score %.2f, recent mean %.2f: %v (%d samples in %v)", h.Current, h.Mean, h.Trend, len(h.Samples), span)
}

// history is a History in the form in which it is kept: only the samples with which the
// score changed. Those in between, one for each round in which all chains were scored, are
// the same for all chains and kept once, in rounds. So a chain whose score stands still
// takes no more memory, and no work. Of one without a score for 64 rounds only these samples
// are left. The zero value is empty.
type history struct {
	changes []sample // oldest first; never empty once there was a score
	seen    uint32   // rounds that are in mean and trend
	table   uint32   // number of the last whole table that it was in
	mean    float32  // exponentially weighted
	trend   Trend
}

// sample is a sample with another score than the one before.
type sample struct {
	at    int32   // seconds since the driver was made
	score float32 // NaN: from here on there is none
	// before is the last round that had a sample of the score before; the rounds after after
	// had one of this score.
	before, after uint32
}

// rounds are the times at which all chains were scored.
type rounds struct {
	n  uint32               // how many there were
	at [historyLength]int32 // of the last ones, at n modulo the length
}

// add adds a round.
func (r *rounds) add(at int32) {
	r.n++
	r.at[r.n%historyLength] = at
}

// oldest returns the number of the oldest round whose time is known.
func (r *rounds) oldest() uint32 { return max(r.n, historyLength) - historyLength + 1 }

// trim drops the changes that are older than the samples which are kept. The newest stays.
func (h *history) trim(last uint32) {
	samples := 0
	for i := len(h.changes) - 1; i > 0; i-- {
		c := h.changes[i]
		if !isNaN(c.score) {
			samples += 1 + int(last-c.after)
		}
		if last = c.before; samples >= historyLength {
			h.changes = append(h.changes[:0], h.changes[i:]...)
			return
		}
	}
}

// current returns the last score; known is false if there is none now.
func (h *history) current() (score float32, known bool) {
	score = h.changes[len(h.changes)-1].score
	return score, !isNaN(score)
}

// record adds a sample. InRound says that the last round took it; otherwise it came after
// that round.
func (h *history) record(at int32, score float32, r *rounds, inRound bool) {
	before := r.n
	if inRound {
		before--
	}
	if len(h.changes) > 0 {
		h.repeat(before)
	}
	h.weigh(score)
	h.seen = r.n
	h.changes = append(h.changes, sample{at, score, before, r.n})
	h.trim(r.n)
}

// end notes that there is no score any more.
func (h *history) end(at int32, r *rounds, inRound bool) {
	if _, known := h.current(); !known {
		return
	}
	before := r.n
	if inRound {
		before--
	}
	h.repeat(before)
	h.seen = r.n
	h.changes = append(h.changes, sample{at, float32(math.NaN()), before, r.n})
	h.trim(r.n)
}

// repeat brings mean and trend up to a round: in all since the last one the score stood still.
func (h *history) repeat(round uint32) {
	score, known := h.current()
	if n := int(round) - int(h.seen); n > 0 && known {
		for range min(n, historyLength) { // after more, the mean does not change any more
			h.weigh(score)
		}
	}
	h.seen = max(h.seen, round)
}

// weigh takes a score into mean and trend. The trend compares it with the mean of those
// before it.
func (h *history) weigh(score float32) {
	if len(h.changes) == 0 {
		h.mean, h.trend = score, Stable
		return
	}
	h.trend = Stable
	if score < h.mean-deadBand {
		h.trend = Degrading
	} else if score > h.mean+deadBand {
		h.trend = Improving
	}
	h.mean = smoothing*score + (1-smoothing)*h.mean
}

// view returns the history with all samples.
func (h history) view(start time.Time, r *rounds) History {
	h.repeat(r.n)
	out := History{Mean: h.mean, Trend: h.trend}
	add := func(at int32, score float32) {
		out.Samples = append(out.Samples, Sample{At: start.Add(time.Duration(at) * time.Second), Score: score})
	}
	for i, c := range h.changes {
		last := r.n
		if i+1 < len(h.changes) {
			last = h.changes[i+1].before
		}
		if isNaN(c.score) {
			continue
		}
		out.Current = c.score
		add(c.at, c.score)
		for round := max(c.after+1, r.oldest()); round <= last; round++ {
			add(r.at[round%historyLength], c.score)
		}
	}
	out.Samples = out.Samples[max(0, len(out.Samples)-historyLength):]
	return out
}

func isNaN(f float32) bool { return math.IsNaN(float64(f)) }
