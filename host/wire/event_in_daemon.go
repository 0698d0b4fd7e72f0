package wire

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func (f *fields) daemonRef(field string, in *meshosv1.DaemonRef) mesh.DaemonRef {
	return mesh.DaemonRef{
		ID:   mesh.DaemonID(f.id(field+".id", in.GetId())),
		Name: f.text(field+".name", in.GetName()),
	}
}

func (f *fields) daemonLifecycle(in *meshosv1.DaemonLifecycle) mesh.Event {
	f.at = "daemon_lifecycle"
	daemon := f.daemonRef("daemon", in.GetDaemon())
	switch signal := in.GetSignal().(type) {
	case *meshosv1.DaemonLifecycle_Started_:
		return mesh.DaemonStarted{
			Daemon: daemon, PID: signal.Started.GetPid(), Config: f.text("started.config_sha256", signal.Started.GetConfigSha256()),
			Since: f.wallOr0("started.since", signal.Started.GetSince()),
		}
	case *meshosv1.DaemonLifecycle_ExitedCleanly_:
		return mesh.DaemonExited{Daemon: daemon, End: f.daemonEnd("exited_cleanly.exit", signal.ExitedCleanly.GetExit())}
	case *meshosv1.DaemonLifecycle_Crashed_:
		return mesh.DaemonCrashed{
			Daemon: daemon, Reason: f.text("crashed.reason", signal.Crashed.GetReason()),
			End: f.daemonEnd("crashed.exit", signal.Crashed.GetExit()),
		}
	case *meshosv1.DaemonLifecycle_Rejected_:
		return mesh.DaemonRejected{Daemon: daemon, Reason: f.text("rejected.reason", signal.Rejected.GetReason())}
	case *meshosv1.DaemonLifecycle_EnvironmentChanged:
		return mesh.DaemonEnvironmentChanged{Daemon: daemon, Changed: signal.EnvironmentChanged}
	case *meshosv1.DaemonLifecycle_Replaced_:
		return mesh.DaemonReplaced{Daemon: daemon}
	case *meshosv1.DaemonLifecycle_HealthChanged:
		status := f.enum
		if signal.HealthChanged.GetReason() != "" {
			status = f.enumOr0 // it can't be checked
		}
		return mesh.DaemonHealthChanged{Daemon: daemon, Health: mesh.DaemonHealth{
			Status: mesh.DaemonStatus(status("health_changed.status",
				int32(signal.HealthChanged.GetStatus()), int32(mesh.DaemonUnhealthy))),
			Reason: f.text("health_changed.reason", signal.HealthChanged.GetReason()),
		}}
	case *meshosv1.DaemonLifecycle_SaturationChanged:
		f.finite("saturation_changed", float64(signal.SaturationChanged))
		return mesh.DaemonSaturationChanged{Daemon: daemon, Saturation: signal.SaturationChanged}
	}
	f.fail("signal", "must be set to a signal that this version knows")
	return nil
}

// wallOr0 reads a time that may be absent.
func (f *fields) wallOr0(field string, in *timestamppb.Timestamp) time.Time {
	if in == nil {
		return time.Time{}
	}
	if err := in.CheckValid(); err != nil {
		f.fail(field, "must be a valid time")
	}
	return in.AsTime()
}

// daemonEnd reads how a daemon ended, which may be left out.
func (f *fields) daemonEnd(field string, in *meshosv1.DaemonExit) mesh.DaemonEnd {
	if in == nil {
		return mesh.DaemonEnd{}
	}
	if err := in.GetAt().CheckValid(); err != nil {
		f.fail(field+".at", "must be a valid time")
	}
	return mesh.DaemonEnd{
		Early: f.durationOr0(field+".early", in.GetEarly()),
		Code:  in.GetCode(), Signal: f.text(field+".signal", in.GetSignal()),
		LastLine: f.text(field+".last_line", in.GetLastLine()), At: in.GetAt().AsTime(),
		Asked: in.GetAsked(), Config: f.text(field+".config_sha256", in.GetConfigSha256()),
		Unhealthy: f.text(field+".unhealthy", in.GetUnhealthy()),
	}
}

func (f *fields) daemonIntent(in *meshosv1.DaemonIntent) mesh.Event {
	f.at = "daemon_intent"
	out := mesh.DaemonIntent{
		Daemon: f.daemonRef("daemon", in.GetDaemon()),
		Intent: mesh.RunIntent(f.enum("intent", int32(in.GetIntent()), int32(mesh.IntentStop))),
	}
	if in != nil {
		out.Node = mesh.NodeID(f.optionalID("node", in.Node))
	}
	return out
}
