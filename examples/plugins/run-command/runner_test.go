package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/internal/catalogtest"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestMain(m *testing.M) { catalogtest.Main(m, main) }

func shell(script string) map[string][]string {
	return map[string][]string{"pull_replica": {"/bin/sh", "-c", script}, "request_placement": {"/bin/sh", "-c", script}}
}

func pull() *meshosv1.Action {
	return &meshosv1.Action{Kind: &meshosv1.Action_PullReplica{PullReplica: &meshosv1.PullReplica{Chain: 1<<64 - 1, Source: 2}}}
}

// file returns what a command wrote into its directory.
func file(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTheCommandGetsTheAction(t *testing.T) {
	dir := t.TempDir()
	plugin := plugintest.Start(t, newRunner, config{
		Commands: shell(`cat >input; env >environment`), Env: map[string]string{"TOKEN": "secret"},
	}, plugintest.WithDataDir(dir), plugintest.WithNode(9))
	if _, err := plugin.Dispatch(7, pull()); err != nil {
		t.Fatal(err)
	}
	whole := `{"pull_replica":{"chain":"18446744073709551615","source":"2"}}`
	if got := strings.ReplaceAll(file(t, dir, "input"), " ", ""); got != whole+"\n" {
		t.Errorf("stdin %q", got)
	}
	env := "\n" + file(t, dir, "environment")
	for _, want := range []string{
		"MESHOS_ACTION_ID=7", "MESHOS_ACTION_KIND=pull_replica", "MESHOS_CHAIN=18446744073709551615", "MESHOS_SOURCE=2",
		"MESHOS_NODE=9", "MESHOS_CLUSTER=test", "TOKEN=secret", "PATH=",
	} {
		if !strings.Contains(env, "\n"+want) {
			t.Errorf("the environment has no %s:%s", want, env)
		}
	}
	if _, err := plugin.Dispatch(8, &meshosv1.Action{Kind: &meshosv1.Action_RequestPlacement{
		RequestPlacement: &meshosv1.RequestPlacement{Chain: 3, Exclude: []uint64{1, 2}},
	}}); err != nil {
		t.Fatal(err)
	}
	if env := file(t, dir, "environment"); !strings.Contains(env, "\nMESHOS_EXCLUDE=1 2\n") {
		t.Errorf("a list as words: %s", env)
	}
}

func TestWhatTheExitStatusMeans(t *testing.T) {
	for _, c := range []struct {
		name, script string
		code         codes.Code
		text         string
		again        time.Duration
	}{
		{"done", "exit 0", codes.OK, "", 0},
		{"try again", "echo busy >&2; exit 75", codes.Unavailable, `/bin/sh ended with exit status 75, its last line: "busy"`, 3 * time.Second},
		{"final", "echo one >&2; echo two >&2; exit 3", codes.Unknown, `/bin/sh ended with exit status 3, its last line: "two"`, 0},
		{"a signal is final", "kill -9 $$", codes.Unknown, "/bin/sh ended with signal: killed", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			plugin := plugintest.Start(t, newRunner, config{Commands: shell(c.script), Retry: pluginsdk.Duration(3 * time.Second)})
			_, err := plugin.Dispatch(1, pull())
			st := status.Convert(err)
			if st.Code() != c.code || st.Message() != c.text {
				t.Errorf("%v: %s", st.Code(), st.Message())
			}
			var again time.Duration
			for _, detail := range st.Details() {
				again = detail.(*errdetails.RetryInfo).GetRetryDelay().AsDuration()
			}
			if again != c.again {
				t.Errorf("again after %v, want %v", again, c.again)
			}
		})
	}
}

func TestACommandThatCanNotBeRun(t *testing.T) {
	plugin := plugintest.Start(t, newRunner, config{Commands: map[string][]string{"pull_replica": {"/no/such/program"}}})
	if _, err := plugin.Dispatch(1, pull()); err == nil || !strings.Contains(err.Error(), "/no/such/program can't be run") {
		t.Error(err)
	}
	_, err := plugin.Dispatch(1, &meshosv1.Action{Kind: &meshosv1.Action_ReduceHeat{ReduceHeat: &meshosv1.ReduceHeat{Blob: 1}}})
	if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "no command for reduce_heat") {
		t.Error(err)
	}
}

// Whatever the command does with SIGTERM, and whatever it has started, nothing is left of
// it when the time is over.
func TestWhenTheTimeIsOverTheWholeGroupEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plugin := plugintest.Start(t, newRunner, config{
		Commands: shell(`trap 'echo ignored >&2' TERM; sleep 1000 & echo $! >child; while :; do wait; done`),
		Timeout:  pluginsdk.Duration(2 * time.Second), Grace: pluginsdk.Duration(100 * time.Millisecond),
	}, plugintest.WithDataDir(dir))
	_, err := plugin.Dispatch(1, pull())
	if err == nil || !strings.Contains(err.Error(), "/bin/sh was not done after") {
		t.Error(err)
	}
	testkit.Until(t, "the child is gone", func() bool { return testkit.Ended(pidIn(t, dir, "child")) })
}

func TestAGrandchildDoesNotDelayTheCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plugin := plugintest.Start(t, newRunner, config{Commands: shell(
		`setsid sh -c 'echo $$ >child; exec sleep 1000' & while [ ! -s child ]; do sleep 0.01; done`,
	)}, plugintest.WithDataDir(dir))
	_, err := plugin.Dispatch(1, pull())
	if err != nil {
		t.Error(err)
	}
	child := pidIn(t, dir, "child")
	if testkit.Ended(child) {
		t.Error("the command waited for its grandchild")
	}
	_ = syscall.Kill(child, syscall.SIGKILL)
}

func TestOutputGoesToTheLogAndEventsToTheNode(t *testing.T) {
	var log plugintest.Buffer
	script := `echo working; echo '{"replica_update":{"kind":"KIND_ADDED","chain":"7","holder":"1"}}'
echo '{"nonsense":1}'; echo careful >&2; printf 'no newline'; head -c 100000 /dev/zero | tr '\0' x`
	plugin := plugintest.Start(t, newRunner, config{Commands: shell(script), Events: true}, plugintest.WithLogs(&log))
	events, err := plugin.Dispatch(1, pull())
	if err != nil || len(events) != 1 || events[0].GetReplicaUpdate().GetChain() != 7 {
		t.Errorf("events %v, %v", events, err)
	}
	for _, want := range []string{"[INFO]  working: action=1 kind=pull_replica", "this line is not an event", "[WARN]  careful", "no newline", "(cut)"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q:\n%.2000s", want, log.String())
		}
	}
}

func TestWrongConfigurations(t *testing.T) {
	plugin := plugintest.Serve(t, newRunner)
	for want, cfg := range map[string]map[string]any{
		"commands: ":                              {},
		"commands.pull: is not a kind of action":  {"commands": map[string]any{"pull": []any{"x"}}},
		"commands.drop_replica: names no program": {"commands": map[string]any{"drop_replica": []any{}}},
		"can't be the name of a variable":         {"commands": map[string]any{"drop_replica": []any{"x"}}, "env": map[string]any{"A=B": ""}},
	} {
		if err := plugin.ReconfigureRaw(cfg); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
