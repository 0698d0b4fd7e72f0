package config

import (
	"math"
	"time"
)

const most = math.MaxInt32 // the bound of counts that need no tighter one

func (n *Node) settings() []setting {
	return []setting{
		id("id", &n.ID).needed(),
		notEmpty("name", &n.Name),
		notEmpty("cluster", &n.Cluster),
		notEmpty("data_dir", &n.DataDir),
		notEmpty("socket", &n.Socket),
		textOrNone("socket_group", &n.SocketGroup),
		listenAddress("listen", &n.Listen),
		hostAddress("address", &n.Address),
		healthTarget("health", &n.Health),
		labels("labels", &n.Labels),
	}
}

func (l *Loop) settings() []setting {
	return []setting{
		duration("tick_interval", &l.TickInterval).checked(func() *fault {
			if l.TickInterval < time.Millisecond {
				return &fault{message: "must be at least 1ms", hint: "a shorter interval would keep a core busy with ticks alone"}
			}
			return nil
		}),
		duration("probe_budget", &l.ProbeBudget),
		count("event_queue", &l.EventQueue, 1, 1<<20),
		count("action_queue", &l.ActionQueue, 1, 1<<20),
		duration("sample_ttl", &l.SampleTTL),
		durationOr0("settle", &l.Settle),
		duration("action_timeout", &l.ActionTimeout),
	}
}

func (a *Admission) settings() []setting {
	return []setting{
		durationOr0("pull_cooldown", &a.PullCooldown),
		durationOr0("stabilization", &a.Stabilization),
		count("drain_rate", &a.DrainRate, 1, most),
		count("backpressure_high", &a.BackpressureHigh, 1, most),
		count("backpressure_low", &a.BackpressureLow, 0, most),
		count("max_defers", &a.MaxDefers, 0, most),
		count("dispatch_workers", &a.DispatchWorkers, 1, 1024),
	}
}

func (l *Locality) settings() []setting {
	return []setting{
		duration("degraded_rtt", &l.DegradedRTT),
		real("degraded_loss", &l.DegradedLoss, 0, 1),
		durationOr0("degraded_for", &l.DegradedFor),
		count("failures", &l.Failures, 1, 1000),
		durationOr0("recover_after", &l.RecoverAfter),
		duration("avoid_ttl", &l.AvoidTTL),
		durationOr0("unreachable_grace", &l.UnreachableGrace),
		durationOr0("resolve_grace", &l.ResolveGrace),
	}
}

func (m *Maintenance) settings() []setting {
	return []setting{
		duration("drain_deadline", &m.DrainDeadline),
		durationOr0("recovery_ramp", &m.RecoveryRamp),
		duration("exit_report", &m.ExitReport),
	}
}

func (s *Scheduler) settings() []setting {
	return []setting{
		real("score_floor", &s.ScoreFloor, 0, 1),
		real("hysteresis_gap", &s.HysteresisGap, 0, 1),
		durationOr0("cooldown", &s.Cooldown),
		duration("decision_interval", &s.DecisionInterval),
		real("cost_per_second", &s.CostPerSecond, 0, math.MaxFloat64),
		duration("forced_ttl", &s.ForcedTTL),
	}
}

func (r *Restart) settings() []setting {
	return []setting{
		duration("initial", &r.Initial),
		real("factor", &r.Factor, 1, math.MaxFloat64),
		duration("max", &r.Max),
		count("crash_loop_threshold", &r.CrashLoopThreshold, 1, most),
		duration("crash_loop_window", &r.CrashLoopWindow),
		durationOr0("crash_loop_cooldown", &r.CrashLoopCooldown),
		durationOr0("stable_run", &r.StableRun),
		durationOr0("stop_grace", &r.StopGrace),
	}
}

func (o *Operators) settings() []setting {
	return []setting{
		textOrNone("signers", &o.Signers),
		count("ordinary", &o.Ordinary, 1, most),
		count("break_glass", &o.BreakGlass, 1, most),
		count("thaw", &o.Thaw, 1, most),
		duration("freshness", &o.Freshness),
		durationOr0("future_skew", &o.FutureSkew),
		durationOr0("cooldown", &o.Cooldown),
		boolean("allow_unsigned", &o.AllowUnsigned),
	}
}

func (r *Records) settings() []setting {
	return []setting{
		size("segment_size", &r.SegmentSize).checked(func() *fault {
			return outside(r.SegmentSize, 64<<10, 1<<30, "64KiB", "1GiB")
		}),
		size("keep_size", &r.KeepSize).checked(func() *fault {
			return outside(r.KeepSize, 1<<20, math.MaxInt64, "1MiB", "")
		}),
		duration("keep_age", &r.KeepAge),
		size("audit_limit", &r.AuditLimit).checked(func() *fault {
			return outside(r.AuditLimit, 1<<20, math.MaxInt64, "1MiB", "")
		}),
		duration("mesh_age", &r.MeshAge),
		size("mesh_size", &r.MeshSize).checked(func() *fault {
			return outside(r.MeshSize, 1<<20, math.MaxInt64, "1MiB", "")
		}),
		textOrNone("mirror", &r.Mirror).checked(func() *fault {
			if r.Mirror == "" {
				return nil
			}
			return unknownWord(r.Mirror, []string{MirrorStderr})
		}),
	}
}

func (c *Capacity) settings() []setting {
	const most = 10_000_000
	return []setting{
		count("peers", &c.Peers, 1, most),
		count("chains", &c.Chains, 1, most),
		count("daemons", &c.Daemons, 1, most),
		count("blobs", &c.Blobs, 1, most),
		count("holders_per_chain", &c.HoldersPerChain, 1, 10_000),
		count("name_bytes", &c.NameBytes, 16, 4096),
	}
}

// outside returns a fault if a size is too small or too large.
func outside(n, least, most int64, leastText, mostText string) *fault {
	switch {
	case n < least:
		return &fault{message: "must be at least " + leastText}
	case n > most:
		return &fault{message: "must be at most " + mostText}
	}
	return nil
}

func (p *PluginSection) settings() []setting {
	return []setting{notEmpty("dir", &p.Dir)}
}
