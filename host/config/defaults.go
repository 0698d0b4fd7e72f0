package config

import "time"

// Default returns the configuration of an empty file. Its Node has no ID, the one key
// that must be set, and no Name, which Load takes from the machine.
func Default() Config {
	return Config{
		Node: Node{
			Cluster: "default",
			DataDir: "var",
			Socket:  "run/meshos.sock",
			Listen:  "127.0.0.1:7878",
		},
		Loop: Loop{
			TickInterval:  500 * time.Millisecond,
			ProbeBudget:   50 * time.Millisecond,
			EventQueue:    1024,
			ActionQueue:   1024,
			SampleTTL:     time.Minute,
			Settle:        5 * time.Second,
			ActionTimeout: time.Minute,
		},
		Admission: Admission{
			PullCooldown:     250 * time.Millisecond,
			Stabilization:    time.Minute,
			DrainRate:        10,
			BackpressureHigh: 1000,
			BackpressureLow:  200,
			MaxDefers:        16,
			DispatchWorkers:  8,
		},
		Locality: Locality{
			DegradedRTT:      250 * time.Millisecond,
			DegradedLoss:     0.2,
			DegradedFor:      3 * time.Second,
			RecoverAfter:     time.Minute,
			Failures:         3,
			AvoidTTL:         5 * time.Minute,
			UnreachableGrace: 30 * time.Second,
			ResolveGrace:     10 * time.Minute,
		},
		Maintenance: Maintenance{
			DrainDeadline: 10 * time.Minute,
			RecoveryRamp:  5 * time.Minute,
			ExitReport:    10 * time.Minute,
		},
		Scheduler: Scheduler{
			ScoreFloor:       0.5,
			HysteresisGap:    0.2,
			Cooldown:         5 * time.Minute,
			DecisionInterval: 30 * time.Second,
			CostPerSecond:    0.1,
			ForcedTTL:        5 * time.Minute,
		},
		Restart: Restart{
			Initial:            500 * time.Millisecond,
			Factor:             2,
			Max:                time.Minute,
			CrashLoopThreshold: 5,
			CrashLoopWindow:    time.Minute,
			CrashLoopCooldown:  5 * time.Minute,
			StableRun:          time.Minute,
			StopGrace:          30 * time.Second,
		},
		Operators: Operators{
			Ordinary:   1,
			BreakGlass: 2,
			Thaw:       1,
			Freshness:  5 * time.Minute,
			FutureSkew: 30 * time.Second,
			Cooldown:   5 * time.Minute,
		},
		Records: Records{
			SegmentSize: 16 << 20,
			KeepSize:    256 << 20,
			KeepAge:     720 * time.Hour,
			AuditLimit:  1 << 30,
			MeshAge:     720 * time.Hour,
			MeshSize:    256 << 20,
		},
		Capacity: Capacity{
			Peers:           20_000,
			Chains:          200_000,
			Daemons:         5_000,
			Blobs:           200_000,
			HoldersPerChain: 64,
			NameBytes:       256,
		},
		PluginSection: PluginSection{Dir: "bin/plugins"},
	}
}

func defaultDaemon() Daemon {
	const hooks = 30 * time.Second
	return Daemon{Run: true, PreStart: Hooks{Timeout: hooks}, PostStop: Hooks{Timeout: hooks}}
}

func defaultHealth() DaemonHealth {
	return DaemonHealth{Interval: 10 * time.Second, Timeout: 2 * time.Second, Failures: 3, Successes: 1, OnUnhealthy: "none"}
}

func defaultPlugin() Plugin { return Plugin{Enabled: true} }
