package state

import "time"

// Policy holds the thresholds and windows that the core decides with. They come from the
// configuration and do not change while the process runs.
type Policy struct {
	TickInterval  time.Duration // how often there is a regular tick; 0 stands for a second
	SampleTTL     time.Duration // a sample that is not renewed within this is dropped
	Settle        time.Duration // an action that succeeded is not handed out again within this
	ActionTimeout time.Duration // an action without an outcome within this has failed
	ActionQueue   int           // how many recently emitted actions are kept

	DegradedRTT      time.Duration // a peer slower than this is avoided
	DegradedLoss     float64       // and so is one that loses a larger share of its last echoes
	DegradedFor      time.Duration // once probes have found either for this long
	RecoverAfter     time.Duration // a peer that is well for this long is not avoided any more
	Failures         int           // a peer that answers none of so many rounds is lost
	AvoidTTL         time.Duration
	UnreachableGrace time.Duration // a holder unreachable for this long is lost

	DrainDeadline time.Duration // of maintenance or a drain that was ordered without a window
	RecoveryRamp  time.Duration // how long a node stays in Recovery
	ExitReport    time.Duration // an exit that takes longer is reported

	ScoreFloor        float32       // a holder that scores below it is worth moving
	HysteresisGap     float32       // a move must gain more than this
	RebalanceCooldown time.Duration // of a chain, after a move of it
	DecisionInterval  time.Duration // how often scores are asked for
	CostPerSecond     float64       // of a migration, in units of score

	ForcedTTL time.Duration // a forced order that cannot be handed out within this is given up

	Restart   RestartPolicy
	StopGrace time.Duration // from asking a daemon to end to killing it
}
