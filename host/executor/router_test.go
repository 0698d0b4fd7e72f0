package executor_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/mesh"
)

// daemons keeps the calls that it got.
type daemons struct {
	calls []string
	err   error
}

func (d *daemons) Start(_ context.Context, ref mesh.DaemonRef) error {
	d.calls = append(d.calls, "start "+ref.String())
	return d.err
}

func (d *daemons) Stop(_ context.Context, ref mesh.DaemonRef, reason string, grace time.Duration) error {
	d.calls = append(d.calls, fmt.Sprintf("stop %v %q %v", ref, reason, grace))
	return d.err
}

func (d *daemons) Reload(_ context.Context, ref mesh.DaemonRef) error {
	d.calls = append(d.calls, "reload "+ref.String())
	return d.err
}

func (d *daemons) Signal(_ context.Context, ref mesh.DaemonRef, signal string) error {
	d.calls = append(d.calls, "signal "+ref.String()+" "+signal)
	return d.err
}

func TestRouter(t *testing.T) {
	ref := mesh.DaemonRef{ID: 3, Name: "telemetry"}
	const sec = mesh.Time(time.Second)
	for _, tc := range []struct {
		action mesh.Action
		call   string // of the daemons
		err    string
	}{
		{action: mesh.StartDaemon{Daemon: ref}, call: "start 3 (telemetry)"},
		{action: mesh.StopDaemon{Daemon: ref, Reason: "drain", Deadline: 130 * sec}, call: `stop 3 (telemetry) "drain" 30s`},
		{action: mesh.StopDaemon{Daemon: ref, Reason: "late", Deadline: 99 * sec}, call: `stop 3 (telemetry) "late" 0s`},
		{action: mesh.AskReload{Daemon: ref}, call: "reload 3 (telemetry)"},
		{action: mesh.SendSignal{Daemon: ref, Signal: "SIGHUP"}, call: "signal 3 (telemetry) SIGHUP"},
		{action: mesh.MarkAvoid{Peer: 2}},
		{action: mesh.ApplyBackoff{Daemon: ref}},
		{action: mesh.CommitTransition{Node: 1}},
		{action: mesh.PullReplica{}, err: missing("pull_replica")},
		{action: mesh.DropReplica{}, err: missing("drop_replica")},
		{action: mesh.RequestPlacement{}, err: missing("request_placement")},
		{action: mesh.RequestEviction{}, err: missing("request_eviction")},
		{action: mesh.MigrateBlob{}, err: missing("migrate_blob")},
		{action: mesh.ReduceHeat{}, err: missing("reduce_heat")},
	} {
		d := &daemons{}
		r := executor.NewRouter(d, none, func() mesh.Time { return 100 * sec })
		err := r.Dispatch(t.Context(), mesh.Emitted{ID: 1, Action: tc.action})
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != tc.err {
			t.Errorf("%s: got error %q, want %q", tc.action.Kind(), text, tc.err)
		}
		var missing *executor.NoActuatorError
		if tc.err != "" && (!errors.As(err, &missing) || missing.Kind != tc.action.Kind()) {
			t.Errorf("%s: got error %#v", tc.action.Kind(), err)
		}
		if got := fmt.Sprint(d.calls); got != fmt.Sprint(list(tc.call)) {
			t.Errorf("%s: calls of the daemons are %s, want %q", tc.action.Kind(), got, tc.call)
		}
	}
}

func TestRouterReturnsTheErrorsOfDaemons(t *testing.T) {
	d := &daemons{err: errNo}
	r := executor.NewRouter(d, none, func() mesh.Time { return 0 })
	for _, a := range []mesh.Action{start(1), mesh.StopDaemon{}, mesh.AskReload{}, mesh.SendSignal{}} {
		if err := r.Dispatch(t.Context(), mesh.Emitted{Action: a}); !errors.Is(err, errNo) {
			t.Errorf("%s: got error %v, want %v", a.Kind(), err, errNo)
		}
	}
}

// actuator keeps the calls that it got.
type actuator struct {
	calls []string
	err   error
}

func (a *actuator) Dispatch(_ context.Context, e mesh.Emitted) error {
	a.calls = append(a.calls, fmt.Sprintf("%d %s", e.ID, e.Action.Kind()))
	return a.err
}

func TestRouterCallsTheActuatorForTheKind(t *testing.T) {
	act := &actuator{err: later(time.Second)}
	r := executor.NewRouter(&daemons{}, func(kind string) (executor.Actuator, bool) {
		return act, kind == mesh.KindPullReplica
	}, func() mesh.Time { return 0 })
	if err := r.Dispatch(t.Context(), mesh.Emitted{ID: 4, Action: pull(1)}); !errors.Is(err, act.err) {
		t.Errorf("got error %v, want the actuator's", err)
	}
	if got := fmt.Sprint(act.calls); got != "[4 pull_replica]" {
		t.Errorf("calls of the actuator are %s", got)
	}
	var missing *executor.NoActuatorError
	if err := r.Dispatch(t.Context(), mesh.Emitted{Action: drop(1)}); !errors.As(err, &missing) || missing.Kind != "drop_replica" {
		t.Errorf("got error %v", err)
	}
}

func TestRouterCarriesOutTheHostsKindsItself(t *testing.T) {
	act := &actuator{}
	d := &daemons{}
	r := executor.NewRouter(d, func(string) (executor.Actuator, bool) { return act, true }, func() mesh.Time { return 0 })
	for _, a := range []mesh.Action{
		start(1), stop(1), mesh.MarkAvoid{Peer: 2}, mesh.ApplyBackoff{}, mesh.CommitTransition{},
	} {
		if err := r.Dispatch(t.Context(), mesh.Emitted{Action: a}); err != nil {
			t.Errorf("%s: %v", a.Kind(), err)
		}
	}
	if len(act.calls) != 0 || len(d.calls) != 2 {
		t.Errorf("calls of the actuator are %v, of the daemons %v", act.calls, d.calls)
	}
}

// none is a node without actuators.
func none(string) (executor.Actuator, bool) { return nil, false }

func missing(kind string) string {
	return `nothing carries out ` + kind + ` on this node: a plugin of kind "actuator" for ` + kind +
		` is missing; add one as a [[plugin]] to the configuration`
}

func list(call string) []string {
	if call == "" {
		return nil
	}
	return []string{call}
}
