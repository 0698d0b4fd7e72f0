package scoring

import (
	"testing"
	"time"
)

func TestB10_WhenTheScorerIsAsked(t *testing.T) {
	const tick, interval = 500 * time.Millisecond, 30 * time.Second
	now := time.Now()
	answered := func(p *schedule) { p.answered(now, 100) }
	failed := func(times int) func(*schedule) {
		return func(p *schedule) {
			p.answered(now, 100)
			for range times {
				p.failed(now)
			}
		}
	}
	for _, c := range []struct {
		name   string
		before func(*schedule)
		after  time.Duration
		urgent bool
		want   bool
	}{
		{"never asked", func(*schedule) {}, 0, false, true},
		{"all is well", answered, 29 * time.Second, false, false},
		{"the interval is over", answered, interval, false, true},
		{"the interval is over within half a tick", answered, interval - tick/2, false, true},
		{"urgent at the next tick", answered, tick, true, true},
		{"urgent, a tick that comes early", answered, tick - tick/2, true, true},
		{"urgent in the same tick", answered, tick / 3, true, false},
		{"failed once", failed(1), tick, true, true},
		{"failed twice, a tick later", failed(2), tick, true, false},
		{"failed twice, two ticks later", failed(2), 2 * tick, true, true},
		{"failed four times", failed(4), 3 * time.Second, true, false},
		{"failed four times, later", failed(4), 4 * time.Second, false, true},
		{"failed very often", failed(1000), 10 * interval, false, true},
		{"failed very often, a tick earlier", failed(1000), 10*interval - tick, true, false},
		{"many chains, a tick later", func(p *schedule) { p.answered(now, 1_000_000) }, tick, true, false},
		{"many chains, later", func(p *schedule) { p.answered(now, 1_000_000) }, 10 * time.Second, true, true},
		{"answers again", func(p *schedule) { failed(5)(p); p.answered(now, 100) }, tick, true, true},
		{"another process", func(p *schedule) { failed(5)(p); p.restart() }, 0, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := schedule{interval: interval, tick: tick, random: func() float64 { return 1 }}
			c.before(&p)
			if got := p.due(now.Add(c.after), c.urgent); got != c.want {
				t.Errorf("due: %v, want %v", got, c.want)
			}
		})
	}
}
