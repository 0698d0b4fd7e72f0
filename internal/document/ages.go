package document

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// older adds a time to ages; those that are absent stay so.
func older(by time.Duration, ages ...*durationpb.Duration) {
	for _, d := range ages {
		if d != nil {
			set(d, d.AsDuration()+by)
		}
	}
}

// less takes a time from remaining times, which end at 0.
func less(by time.Duration, left ...*durationpb.Duration) {
	for _, d := range left {
		if d != nil {
			set(d, max(0, d.AsDuration()-by))
		}
	}
}

func set(d *durationpb.Duration, to time.Duration) {
	d.Seconds, d.Nanos = int64(to/time.Second), int32(to%time.Second)
}

func growDaemon(d *meshosv1.DaemonView, by time.Duration) bool {
	older(by, d.GetAge(), d.GetOrdered().GetAge())
	less(by, d.GetRestartIn())
	if d.NextStart != nil && d.GetNextStart().AsDuration() <= by {
		d.NextStart = nil
	}
	less(by, d.GetNextStart())
	return true
}

func growPeer(p *meshosv1.PeerView, by time.Duration) bool {
	older(by, p.GetHealthSince(), p.GetEchoes().GetSince(), p.GetMember().GetHeard())
	for _, age := range p.GetInventory().GetAges() {
		older(by, age)
	}
	return true
}

func growEmitted(e *meshosv1.EmittedAction, by time.Duration) bool {
	older(by, e.GetAge())
	less(by, e.GetAction().GetStopDaemon().GetGrace(), e.GetAction().GetApplyBackoff().GetRemaining())
	return true
}
