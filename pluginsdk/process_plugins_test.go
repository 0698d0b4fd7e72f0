package pluginsdk_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/pluginsdk"
)

// serveTestPlugin makes this process the plugin of that name.
func serveTestPlugin(name string) {
	construct := map[string]func(pluginsdk.Env, none) (*probe, error){
		"flood": newFlood, "hang": newHang, "drain": newDrain, "log": newLog,
	}[name]
	pluginsdk.Main(pluginsdk.Info{Name: name, Version: "1", Doc: "A plugin for tests."}, construct)
}

// newFlood prints 10 MB in each way in which a program can print.
func newFlood(pluginsdk.Env, none) (*probe, error) {
	return &probe{sample: func(context.Context, []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
		long := strings.Repeat("x", 1<<20)
		for range 10 {
			fmt.Println(long)
			fmt.Fprintln(os.Stderr, long)
			for rest := []byte(long + "\n"); len(rest) > 0; { // as a C library would
				n, err := syscall.Write(1, rest)
				if err != nil {
					return nil, err
				}
				rest = rest[n:]
			}
		}
		child := exec.Command("/bin/sh", "-c", "echo a child has no lifeline; test ! -e /proc/self/fd/3")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		return []pluginsdk.RTTSample{{Peer: 1}}, child.Run()
	}}, nil
}

// newHang ignores everything that asks it to end.
func newHang(env pluginsdk.Env, _ none) (*probe, error) {
	forever := make(chan struct{})
	return &probe{
		sample: func(context.Context, []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
			env.Log.Info("sampling")
			<-forever
			return nil, nil
		},
		run:   func(context.Context) error { <-forever; return nil },
		close: func() error { <-forever; return nil },
	}, nil
}

// newDrain has a call that runs until the instance has to end.
func newDrain(env pluginsdk.Env, _ none) (*probe, error) {
	ending := make(chan struct{})
	return &probe{
		sample: func(ctx context.Context, _ []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
			env.Log.Info("sampling")
			<-ending
			return []pluginsdk.RTTSample{{Peer: 7}}, ctx.Err()
		},
		run: func(ctx context.Context) error {
			<-ctx.Done()
			close(ending)
			env.Log.Info("run has ended")
			return nil
		},
		close: func() error {
			env.Log.Info("closed")
			return nil
		},
	}, nil
}

// newLog writes a line of each level.
func newLog(env pluginsdk.Env, _ none) (*probe, error) {
	for _, level := range []hclog.Level{hclog.Trace, hclog.Debug, hclog.Info, hclog.Warn, hclog.Error} {
		env.Log.Log(level, "a line", "key", "value")
	}
	return &probe{}, nil
}
