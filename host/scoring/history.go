package scoring

import (
	"fmt"
	"math"
	"slices"
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
	last    sample    // with which the score changed last
	earlier *[]sample // those before it, oldest first; nil for none, so that most take little memory
	mean    float32   // exponentially weighted, with the rounds up to last.after
	trend   Trend
	began   bool // there was a score, and last is meaningful
	opinion bool // the scorer says something of the chain now
	table   bool // histories.table, when the scorer last did
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

// before returns the samples before the last one, oldest first.
func (h *history) before() []sample {
	if h.earlier == nil {
		return nil
	}
	return *h.earlier
}

// add adds a sample in a round.
func (h *history) add(s sample, round uint32) {
	earlier := h.before()
	if h.began {
		earlier = append(earlier, h.last)
	}
	h.last, h.began = s, true
	if earlier = trimmed(earlier, s, round); len(earlier) == 0 {
		h.earlier = nil
	} else {
		h.earlier = &earlier
	}
}

// trimmed returns the earlier ones that are not older than the samples which are kept.
func trimmed(earlier []sample, c sample, last uint32) []sample {
	samples := 0
	for i := len(earlier) - 1; i >= 0; i-- {
		if !isNaN(c.score) {
			samples += 1 + int(last-c.after)
		}
		if last = c.before; samples >= historyLength {
			return append(earlier[:0], earlier[i+1:]...)
		}
		c = earlier[i]
	}
	return earlier
}

// current returns the last score; known is false if there is none now.
func (h *history) current() (score float32, known bool) {
	return h.last.score, h.began && !isNaN(h.last.score)
}

// record adds a sample. InRound says that the last round took it; otherwise it came after
// that round.
func (h *history) record(at int32, score float32, r *rounds, inRound bool) {
	before := r.n
	if inRound {
		before--
	}
	if h.began {
		h.repeat(before)
	}
	h.weigh(score)
	h.add(sample{at, score, before, r.n}, r.n)
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
	h.add(sample{at, float32(math.NaN()), before, r.n}, r.n)
}

// repeat brings mean and trend up to a round: in all since the last change the score stood still.
func (h *history) repeat(round uint32) {
	score, known := h.current()
	if n := int(round) - int(h.last.after); n > 0 && known {
		for range min(n, historyLength) { // after more, the mean does not change any more
			h.weigh(score)
		}
	}
}

// weigh takes a score into mean and trend. The trend compares it with the mean of those
// before it.
func (h *history) weigh(score float32) {
	if !h.began {
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
	changes := slices.Clone(h.before())
	if h.began {
		changes = append(changes, h.last)
	}
	for i, c := range changes {
		last := r.n
		if i+1 < len(changes) {
			last = changes[i+1].before
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
