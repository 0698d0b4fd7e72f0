package pluginsdk_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
)

type limits struct {
	Low  pluginsdk.Duration `json:"low" default:"1s" min:"1ms"`
	High pluginsdk.Duration `json:"high" default:"2s"`
}

func (l *limits) Validate() error {
	if l.Low <= l.High {
		return nil
	}
	return errors.Join(errors.New("low is over high"), errors.New("high is under low"))
}

type warned struct {
	everything
	env  pluginsdk.Env
	conf limits
}

func (w *warned) Warnings() []string { return []string{"high is " + w.conf.High.String()} }

func TestTheConstructorGetsWhatTheHostSent(t *testing.T) {
	var got *warned
	dir := t.TempDir()
	plugin := plugintest.Start(t, func(env pluginsdk.Env, cfg limits) (*warned, error) {
		got = &warned{env: env, conf: cfg}
		return got, nil
	}, limits{High: pluginsdk.Duration(time.Minute)},
		plugintest.WithNode(42), plugintest.WithCluster("c"), plugintest.WithDataDir(dir))
	if got.env.Node != 42 || got.env.Cluster != "c" || got.env.DataDir != dir || got.env.Log == nil {
		t.Errorf("environment %+v", got.env)
	}
	if want := (limits{Low: pluginsdk.Duration(time.Second), High: pluginsdk.Duration(time.Minute)}); got.conf != want {
		t.Errorf("configuration %+v, want %+v", got.conf, want)
	}
	warnings, err := plugin.Warnings(map[string]any{"high": "3m"})
	if err != nil || !cmp.Equal(warnings, []string{"high is 3m"}) {
		t.Errorf("warnings %q, %v", warnings, err)
	}
}

func TestAWrongConfigurationIsRefusedWithEveryMistake(t *testing.T) {
	built := 0
	plugin := plugintest.Serve(t, func(pluginsdk.Env, limits) (everything, error) {
		built++
		return everything{}, nil
	})
	err := plugin.ReconfigureRaw(map[string]any{"lo": "1s", "high": 7.0})
	wantError(t, err, codes.InvalidArgument, `configuration has 2 mistakes: `+
		`high: must be a duration like "250ms" or "1m30s", is the number 7; lo: unknown key (did you mean "low"?)`)
	var keys []string
	for _, d := range status.Convert(err).Details() {
		for _, v := range d.(*errdetails.BadRequest).GetFieldViolations() {
			keys = append(keys, v.GetField())
		}
	}
	if !cmp.Equal(keys, []string{"high", "lo"}) {
		t.Errorf("details name %q", keys)
	}
	wantError(t, plugin.ReconfigureRaw(map[string]any{"low": "3s"}), codes.InvalidArgument,
		"configuration has 2 mistakes: low is over high; high is under low")
	if built != 0 {
		t.Errorf("built %d instances for wrong configurations", built)
	}
	_, err = plugin.SampleRTT()
	wantError(t, err, codes.FailedPrecondition, "not configured: call Configure first")
}

func TestValidationBuildsNothing(t *testing.T) {
	built := 0
	plugin := plugintest.Serve(t, func(pluginsdk.Env, limits) (everything, error) {
		built++
		return everything{}, nil
	})
	if err := plugin.Validate(map[string]any{"low": "1s"}); err != nil {
		t.Error(err)
	}
	wantError(t, plugin.Validate(map[string]any{"low": "3s"}), codes.InvalidArgument,
		"configuration has 2 mistakes: low is over high; high is under low")
	if built != 0 {
		t.Errorf("built %d instances", built)
	}
}

func TestAConstructorsErrorKeepsTheOldInstance(t *testing.T) {
	type config struct {
		RTT pluginsdk.Duration `json:"rtt" default:"1ms"`
	}
	plugin := plugintest.Start(t, func(_ pluginsdk.Env, cfg config) (*constant, error) {
		switch time.Duration(cfg.RTT) {
		case time.Second:
			return nil, pluginsdk.Unavailable(errors.New("the socket is taken"))
		case time.Minute:
			panic("no minute")
		}
		return &constant{time.Duration(cfg.RTT)}, nil
	}, config{})
	wantError(t, plugin.Reconfigure(config{RTT: pluginsdk.Duration(time.Second)}), codes.Unavailable,
		"start with this configuration: the socket is taken")
	wantError(t, plugin.Reconfigure(config{RTT: pluginsdk.Duration(time.Minute)}), codes.Internal,
		"start with this configuration: panic in the constructor: no minute (its stack is in the plugin's log)")
	if got, err := plugin.SampleRTT(pluginsdk.Peer{ID: 1}); err != nil || got[0].RTT != time.Millisecond {
		t.Fatalf("got %v, %v", got, err)
	}
}
