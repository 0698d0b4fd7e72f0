package scrub

import (
	"context"
	"sync"
	"time"
)

// Pace bounds how many bytes are read in a second. It is safe for concurrent use.
type Pace struct {
	perSecond int64

	mu   sync.Mutex
	free time.Time // when the bytes that were taken so far have had their time
}

// NewPace returns a pace of so many bytes a second.
func NewPace(perSecond int64) *Pace { return &Pace{perSecond: perSecond} }

// Take waits until so many bytes may be read. What was not used before is not saved up.
func (p *Pace) Take(ctx context.Context, bytes int64) error {
	p.mu.Lock()
	now := time.Now()
	from := p.free
	if from.Before(now) {
		from = now
	}
	p.free = from.Add(time.Duration(float64(bytes) / float64(p.perSecond) * float64(time.Second)))
	p.mu.Unlock()
	timer := time.NewTimer(from.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
