package statuslog

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/snapshottest"
)

func TestEachChangeIsLoggedOnceAndThoseOfTheLastSnapshotToo(t *testing.T) {
	var log bytes.Buffer
	l := New(slog.New(slog.NewTextHandler(&log, nil)))
	ready := []snapshot.Plugin{{Name: "p", Status: snapshot.PluginReady, Version: "1", PID: 7}}
	one := mesh.FailureRecord{Seq: 1, Source: "probe", Reason: "first"}
	l.write(&snapshot.Snapshot{Plugins: ready, Failures: []mesh.FailureRecord{one}})
	l.write(&snapshot.Snapshot{Plugins: ready, Failures: []mesh.FailureRecord{one}})

	ended, end := context.WithCancel(t.Context())
	end()
	l.Run(ended, snapshottest.New(&snapshot.Snapshot{
		Plugins:  []snapshot.Plugin{{Name: "p", Status: snapshot.PluginBackingOff, Message: "it ended"}},
		Failures: []mesh.FailureRecord{one, {Seq: 2, Source: "probe", Reason: "second"}},
		Actions: []mesh.ActionRecord{
			{Seq: 1, ID: 4, Action: mesh.StartDaemon{}, End: mesh.ActionDispatched},
			{Seq: 2, ID: 5, Action: mesh.StartDaemon{}, End: mesh.ActionFailed},
		},
	}))
	for want, times := range map[string]int{
		`msg="plugin ready" plugin=p version=1 pid=7`:                1,
		`msg="plugin is started again soon" plugin=p why="it ended"`: 1,
		"msg=failure source=probe reason=first":                      1,
		"msg=failure source=probe reason=second":                     1,
		`msg="action done" id=4 kind=start_daemon`:                   1,
		"id=5": 0,
	} {
		if got := strings.Count(log.String(), want); got != times {
			t.Errorf("%q was logged %d times, want %d:\n%s", want, got, times, &log)
		}
	}
}
