package scoring

import (
	"fmt"
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

// history is a History in the form in which it is kept. The zero value is empty.
type history struct {
	samples []sample // a ring once it is full
	oldest  int
	current float32
	mean    float32 // exponentially weighted
	trend   Trend
}

// sample is a Sample in half its size, since a node may lead many chains.
type sample struct {
	at    int32 // seconds since the driver was made
	score float32
}

// record adds a sample. The trend compares it with the mean of those before it.
func (h *history) record(at int32, score float32) {
	switch {
	case len(h.samples) == 0:
		h.mean, h.trend = score, Stable
	default:
		h.trend = Stable
		if score < h.mean-deadBand {
			h.trend = Degrading
		} else if score > h.mean+deadBand {
			h.trend = Improving
		}
		h.mean = smoothing*score + (1-smoothing)*h.mean
	}
	h.current = score
	if len(h.samples) < historyLength {
		h.samples = append(h.samples, sample{at, score})
		return
	}
	h.samples[h.oldest] = sample{at, score}
	h.oldest = (h.oldest + 1) % historyLength
}

func (h *history) view(start time.Time) History {
	out := History{Current: h.current, Mean: h.mean, Trend: h.trend, Samples: make([]Sample, 0, len(h.samples))}
	for i := range h.samples {
		s := h.samples[(h.oldest+i)%len(h.samples)]
		out.Samples = append(out.Samples, Sample{At: start.Add(time.Duration(s.at) * time.Second), Score: s.score})
	}
	return out
}
