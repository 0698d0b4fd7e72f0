package loop

import (
	"math"
	"time"
)

// Figures of ticks are kept in slices of a time, so that the oldest can be dropped together.
const (
	recentSlice  = 30 * time.Second
	recentSlices = 10 // five minutes
)

// Times are counted in buckets, each 2^(1/perOctave) times, or 4 %, as wide as the one before.
const (
	perOctave   = 16
	timeBuckets = 30 * perOctave // from 1 µs to 18 minutes
)

// recent is how long the regular ticks of the last five minutes took, and how many events they
// folded. The zero value has seen none.
type recent struct {
	slices [recentSlices]tickSlice
	sum    tickSlice // of all slices
	period int64     // number of the slice in which the last tick was, counted from time 0
}

type tickSlice struct {
	ticks, events uint64
	times         [timeBuckets]uint32
}

// add adds a tick that ended at a time since the start of the process.
func (r *recent) add(at, took time.Duration, events uint64) {
	period := int64(at / recentSlice)
	for n := range min(period-r.period, recentSlices) {
		r.drop(&r.slices[(period-n)%recentSlices])
	}
	r.period = max(r.period, period)
	bucket := bucketOf(took)
	for _, s := range []*tickSlice{&r.slices[r.period%recentSlices], &r.sum} {
		s.ticks++
		s.events += events
		s.times[bucket]++
	}
}

// drop empties a slice.
func (r *recent) drop(s *tickSlice) {
	if s.ticks == 0 {
		return
	}
	r.sum.ticks -= s.ticks
	r.sum.events -= s.events
	for i, n := range s.times {
		r.sum.times[i] -= n
	}
	*s = tickSlice{}
}

// took returns the time within which a share of the ticks ended, to 2 %; 0 if there was none.
func (r *recent) took(share float64) time.Duration {
	rank := uint64(math.Ceil(share * float64(r.sum.ticks)))
	seen := uint64(0)
	for i, n := range r.sum.times {
		if seen += uint64(n); n > 0 && seen >= rank {
			return time.Duration(float64(time.Microsecond) * math.Exp2((float64(i)+0.5)/perOctave))
		}
	}
	return 0
}

// eventsPerTick returns how many events a tick folded in the mean, with those that came since
// the tick before; 0 if there was no tick.
func (r *recent) eventsPerTick() float64 {
	if r.sum.ticks == 0 {
		return 0
	}
	return float64(r.sum.events) / float64(r.sum.ticks)
}

func bucketOf(took time.Duration) int {
	octaves := math.Log2(max(1, float64(took)/float64(time.Microsecond)))
	return min(timeBuckets-1, int(octaves*perOctave))
}
