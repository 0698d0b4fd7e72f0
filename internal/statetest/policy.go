package statetest

import (
	"time"

	"github.com/meshos/meshos/host/state"
)

// Policy returns the documented defaults. A test of host/config compares them with those
// of meshos.toml.
func Policy() state.Policy {
	return state.Policy{
		TickInterval:      500 * time.Millisecond,
		SampleTTL:         time.Minute,
		Settle:            5 * time.Second,
		ActionTimeout:     time.Minute,
		ActionQueue:       1024,
		DegradedRTT:       250 * time.Millisecond,
		DegradedLoss:      0.2,
		DegradedFor:       3 * time.Second,
		RecoverAfter:      time.Minute,
		Failures:          3,
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
		Restart: state.RestartPolicy{
			Initial:            500 * time.Millisecond,
			Factor:             2,
			Max:                time.Minute,
			CrashLoopThreshold: 5,
			CrashLoopWindow:    time.Minute,
			CrashLoopCooldown:  5 * time.Minute,
			StableRun:          time.Minute,
		},
		StopGrace: 30 * time.Second,
	}
}
