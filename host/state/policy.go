package state

import "time"

// Policy holds the thresholds and windows that the core decides with. They come
// from the configuration and stay as they are while the process runs.
type Policy struct {
	SampleTTL     time.Duration // an entry from a probe that is not renewed goes after this
	Settle        time.Duration // quiet after an action succeeded
	ActionTimeout time.Duration // an outcome that does not come by then counts as a failure
	ActionQueue   int           // bound of the list of recently emitted actions

	DegradedRTT      time.Duration // a peer slower than this is avoided
	AvoidTTL         time.Duration
	UnreachableGrace time.Duration // a holder unreachable for this long is lost

	DrainDeadline time.Duration // for an entering or a drain without a window
	RecoveryRamp  time.Duration
	ExitReport    time.Duration // an exit that takes longer is reported

	ScoreFloor        float32       // a holder that scores below it is worth moving
	HysteresisGap     float32       // a move must gain more than this
	RebalanceCooldown time.Duration // of a chain, after a move of it
	DecisionInterval  time.Duration // how often scores are asked for
	CostPerSecond     float64       // of migration, in units of score

	ForcedTTL time.Duration // a forced order that could not be handed out goes after this

	Restart   RestartPolicy
	StopGrace time.Duration // from asking a daemon to end to killing it
}

// DefaultPolicy gives the documented defaults.
func DefaultPolicy() Policy {
	return Policy{
		SampleTTL:         time.Minute,
		Settle:            5 * time.Second,
		ActionTimeout:     time.Minute,
		ActionQueue:       1024,
		DegradedRTT:       250 * time.Millisecond,
		AvoidTTL:          5 * time.Minute,
		UnreachableGrace:  30 * time.Second,
		DrainDeadline:     10 * time.Minute,
		RecoveryRamp:      5 * time.Minute,
		ExitReport:        10 * time.Minute,
		ScoreFloor:        0.5,
		HysteresisGap:     0.2,
		RebalanceCooldown: 5 * time.Minute,
		DecisionInterval:  30 * time.Second,
		CostPerSecond:     0.1,
		ForcedTTL:         5 * time.Minute,
		Restart:           DefaultRestartPolicy(),
		StopGrace:         30 * time.Second,
	}
}
