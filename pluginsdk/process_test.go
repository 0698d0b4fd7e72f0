package pluginsdk_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// process is a plugin that was started as a host starts it, but without go-plugin's
// client: nobody reads the stdio stream.
type process struct {
	cmd      *exec.Cmd
	conn     *grpc.ClientConn
	lifeline *os.File
	stdout   *bufio.Reader
	stderr   io.Closer
	log      *diary
	ended    chan struct{}
}

// startProcess starts the test binary as the plugin of that name.
func startProcess(t *testing.T, name string, env ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "p") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(self), lifeline: write, log: newDiary(), ended: make(chan struct{})}
	p.log.more = make(chan struct{}, 1<<20)
	p.cmd.Env = append([]string{
		testPlugin + "=" + name, wire.CookieKey + "=" + wire.CookieValue,
		"MESHOS_LIFELINE_FD=3", "PLUGIN_UNIX_SOCKET_DIR=" + dir, "PATH=/usr/bin:/bin",
		"GORACE=atexit_sleep_ms=0", // or the race detector delays each exit by a second
	}, env...)
	p.cmd.ExtraFiles = []*os.File{read}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = read.Close()
	p.stdout, p.stderr = bufio.NewReader(stdout), stderr
	var drained sync.WaitGroup
	drained.Go(func() { p.drain(stderr) })
	shake, err := p.stdout.ReadString('\n')
	go func() {
		defer close(p.ended)
		drained.Wait()
		_ = p.cmd.Wait() // only its state is of interest
	}()
	t.Cleanup(func() {
		if p.conn != nil {
			_ = p.conn.Close()
		}
		_ = p.lifeline.Close()
		receive(t, p.ended, "the end of the process")
		if left, err := filepath.Glob(dir + "/*"); err != nil || len(left) != 0 {
			t.Errorf("left behind: %q, %v", left, err)
		}
		_ = os.RemoveAll(dir)
	})
	if err != nil {
		t.Fatalf("no handshake: %v; it said %q", err, p.log.read())
	}
	fields := strings.Split(strings.TrimSpace(shake), "|")
	if len(fields) != 6 || fields[0] != "1" || fields[1] != "1" || fields[2] != "unix" || fields[4] != "grpc" {
		t.Fatalf("handshake %q", shake)
	}
	p.conn, err = grpc.NewClient("unix://"+fields[3], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pluginv1.NewPluginClient(p.conn).Configure(t.Context(), &pluginv1.ConfigureRequest{Node: 1}); err != nil {
		t.Fatal(err)
	}
	return p
}

// drain reads standard error line by line. It keeps the beginning of long lines.
func (p *process) drain(r io.Reader) {
	lines := bufio.NewReader(r)
	for {
		text, err := lines.ReadBytes('\n')
		if len(text) > 0 {
			p.log.add(string(bytes.TrimSpace(text[:min(len(text), 1000)])))
		}
		if err != nil {
			return
		}
	}
}

func (p *process) sample(ctx context.Context) (*pluginv1.RttSamples, error) {
	return pluginv1.NewLocalityProbeClient(p.conn).SampleRtt(ctx, &pluginv1.SampleRequest{})
}

// wantLine waits for a log line with this message.
func (p *process) wantLine(t *testing.T, message string) {
	t.Helper()
	for n := 1; ; n++ {
		for _, text := range p.log.until(t, n) {
			if strings.Contains(text, `"@message":"`+message+`"`) {
				return
			}
		}
	}
}

// wantExit checks that the process ends with code 0. That it does so in time is tested with the
// instance, whose clock the tests have in their hands.
func (p *process) wantExit(t *testing.T) {
	t.Helper()
	receive(t, p.ended, "the end of the process")
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("ended with %v: %q", p.cmd.ProcessState, p.log.read())
	}
}

func TestTheEndOfTheLifelineEndsThePlugin(t *testing.T) {
	p := startProcess(t, "drain")
	if err := p.lifeline.Close(); err != nil {
		t.Fatal(err)
	}
	p.wantExit(t)
	p.wantLine(t, "ending: the host is gone or ends this plugin")
	p.wantLine(t, "run has ended")
	p.wantLine(t, "closed")
}

func TestTheEndOfTheLifelineEndsAPluginThatHangs(t *testing.T) {
	p := startProcess(t, "hang")
	called := make(chan struct{})
	go func() {
		defer close(called)
		_, _ = p.sample(t.Context()) // cut off
	}()
	p.wantLine(t, "sampling")
	if err := p.lifeline.Close(); err != nil {
		t.Fatal(err)
	}
	p.wantExit(t)
	receive(t, called, "the call to fail")
}

func TestAPluginEndsCleanlyThoughNobodyReadsItsLog(t *testing.T) {
	p := startProcess(t, "drain")
	// As after the host's SIGKILL: every pipe is broken, and the plugin logs its end.
	if err := p.stderr.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.lifeline.Close(); err != nil {
		t.Fatal(err)
	}
	p.wantExit(t)
}

func TestSIGTERMLetsCallsFinish(t *testing.T) {
	p := startProcess(t, "drain")
	type answer struct {
		samples *pluginv1.RttSamples
		err     error
	}
	answered := make(chan answer, 1)
	go func() {
		samples, err := p.sample(t.Context())
		answered <- answer{samples, err}
	}()
	p.wantLine(t, "sampling")
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, answered, "the running call"); got.err != nil || got.samples.GetPeers()[0] != 7 {
		t.Errorf("the running call got %v, %v", got.samples, got.err)
	}
	p.wantExit(t)
	p.wantLine(t, "closed")
}

func TestPrintsNeverBlock(t *testing.T) {
	p := startProcess(t, "flood")
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	if got, err := p.sample(ctx); err != nil || len(got.GetPeers()) != 1 {
		t.Fatalf("got %v, %v", got, err)
	}
	if err := p.lifeline.Close(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(p.stdout)
	if err != nil || len(rest) != 0 {
		t.Errorf("standard output got %d bytes after the handshake, %v", len(rest), err)
	}
	p.wantExit(t)
	if got := p.log.read(); len(got) < 30 || !strings.Contains(strings.Join(got[len(got)-4:], "\n"), "a child has no lifeline") {
		t.Errorf("%d lines, the last are %.300q", len(got), got[max(0, len(got)-4):])
	}
}

func TestLogLinesKeepTheirLevels(t *testing.T) {
	for _, c := range []struct {
		name string
		env  []string
		want []string
	}{
		{"as it is", nil, []string{"debug", "info", "warn", "error"}},
		{"trace wanted", []string{"MESHOS_LOG_LEVEL=trace"}, []string{"trace", "debug", "info", "warn", "error"}},
		{"warn wanted", []string{"MESHOS_LOG_LEVEL=warn"}, []string{"warn", "error"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := startProcess(t, "log", c.env...)
			var levels []string
			for _, text := range p.log.until(t, len(c.want)) {
				var entry struct {
					Level   string `json:"@level"`
					Message string `json:"@message"`
					Key     string `json:"key"`
				}
				if err := json.Unmarshal([]byte(text), &entry); err != nil || entry.Message != "a line" || entry.Key != "value" {
					t.Errorf("line %q: %v", text, err)
				}
				levels = append(levels, entry.Level)
			}
			if d := cmp.Diff(c.want, levels); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAMissingLifelineIsLogged(t *testing.T) {
	for _, value := range []string{"x", "1", "77"} {
		p := startProcess(t, "log", "MESHOS_LOG_LEVEL=warn", "MESHOS_LIFELINE_FD="+value)
		p.wantLine(t, "the end of the host will not be noticed")
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		p.wantExit(t)
	}
}

func TestCallsAfterTheEndBeganAreUnavailable(t *testing.T) {
	p := startProcess(t, "hang")
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.wantLine(t, "ending: SIGTERM")
	// The call may start just before the plugin refuses calls. Then it hangs and is cut
	// off, which is UNAVAILABLE as well.
	_, err := p.sample(t.Context())
	if want := codes.Unavailable; codeOf(err) != want {
		t.Errorf("got %v, want %v", err, want)
	}
	p.wantExit(t)
}
