package catalog_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/testkit"
)

// TestStartErrors has every way in which a plugin fails to start, with the text that an
// operator reads.
func TestStartErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := filepath.Join(dir, "script")
	testkit.Script(t, script, "#!/bin/nowhere\n")
	text := filepath.Join(dir, "text")
	write(t, text, "hello\n", 0o644)
	garbage := filepath.Join(dir, "garbage")
	testkit.Script(t, garbage, "hello\n")
	greets := filepath.Join(dir, "greets")
	testkit.Script(t, greets, "#!/bin/sh\necho \"1|1|unix|$PLUGIN_UNIX_SOCKET_DIR/s|grpc|$CERT\"\nexec /bin/sleep 60\n")
	withCert := func(name, cert string) catalog.Entry {
		return entry(name, "", func(e *catalog.Entry) { e.Path, e.Env = greets, []string{"CERT=" + cert} })
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o755); err != nil {
		t.Fatal(err)
	}
	pin := strings.Repeat("0", 64)

	withPath := func(name, path string) catalog.Entry {
		return entry(name, "", func(e *catalog.Entry) { e.Path = path })
	}
	withConfig := func(e *catalog.Entry) { e.Config = map[string]any{"reject": `interval: "x" is not a duration`} }
	cases := []struct {
		entry    catalog.Entry
		rejected bool
		want     string // FILE stands for the binary, SUM for its checksum, SIZE and TIME for its own
	}{
		{withPath("missing", dir+"/none"), true, `start: ` + dir + `/none does not exist; build it with "make build", or set path in its entry in meshos.toml, then run meshos reload`},
		{withPath("folder", dir), true, `start: ` + dir + ` is a directory; set path to the binary inside in its entry in meshos.toml, then run meshos reload`},
		{withPath("text", text), true, `start: ` + text + ` is not executable (mode -rw-r--r--); chmod +x it`},
		{withPath("garbage", garbage), true, `start: ` + garbage + `: not executable: exec format error; install a build for ` + runtime.GOOS + `/` + runtime.GOARCH},
		{withPath("pipe", pipe), true, `start: ` + pipe + ` is not a regular file; set path to a binary in its entry in meshos.toml, then run meshos reload`},
		{withPath("stranger", "/bin/true"), false, `start: it ended before its handshake: exit status 0; it may not be a plugin at all: run /bin/true by hand to see why`},
		{withPath("script", script), true, `start: ` + script + `: the file is there, but the loader or interpreter that it names is not; build it statically (CGO_ENABLED=0), or install what it names and touch the file`},
		{
			entry("pinned", "", func(e *catalog.Entry) { e.SHA256 = pin }), true,
			`verify: FILE has the wrong checksum: expected sha256 ` + pin + `, got SUM (SIZE bytes, modified TIME); if this is the file you want, put sha256 = "SUM" into its entry in meshos.toml, then run meshos reload`,
		},
		{entry("exit", "exit-3"), false, `start: it ended before its handshake: exit status 3, its last line: "can't open the frobnicator"; run FILE by hand to see why`},
		{entry("cookie", "wrong-cookie"), false, `start: it ended before its handshake: exit status 1, its last line: "load any plugins automatically"; it is a plugin, but not for this host: it does not know MESHOS_PLUGIN=meshos.plugin.v1`},
		{entry("protocol", "protocol-99"), true, `start: it speaks plugin protocol 99, this host 1; install a build that is made for this host`},
		{entry("socket", "other-socket"), true, `start: it listens on unix /tmp/elsewhere.sock, not in the socket directory that it was given; it has to listen on a unix socket in $PLUGIN_UNIX_SOCKET_DIR`},
		{withCert("badcert", "AAAA"), true, `start: the certificate that it sent can't be read: x509: malformed certificate; it has to use go-plugin's AutoMTLS: answer $PLUGIN_CLIENT_CERT with a certificate of its own`},
		{withCert("unserved", aCertificate), false, `describe: its socket does not answer: connection error: desc = "transport: error while dialing: dial unix $PLUGIN_UNIX_SOCKET_DIR/s: connect: no such file or directory"; it has to serve gRPC with go-plugin's AutoMTLS on the socket that it names, as pluginsdk does`},
		{entry("noservice", "no-plugin-service"), true, `describe: it does not serve meshos.plugin.v1.Plugin; build it with pluginsdk`},
		{
			entry("kinds", "", func(e *catalog.Entry) { e.Kinds = []string{catalog.KindActuator} }), true,
			`describe: it does not serve actuator, only chain_appender, health_probe, inventory_probe, locality_probe, migration_aborter, migration_source, placement_scorer; correct kinds in its entry in meshos.toml, then run meshos reload`,
		},
		{entry("config", "", withConfig), true, `configure: it refuses its configuration: interval: "x" is not a duration; correct [plugin.config] in its entry in meshos.toml, then run meshos reload`},
		{entry("slow", "slow-configure", func(e *catalog.Entry) { e.Timeout = 10 * time.Second }), false, `configure: no answer within 10s; see what it waits for, or raise timeout in its entry in meshos.toml, then run meshos reload`},
		{entry("gone", "exit-in-configure"), false, `configure: it ended during this step: exit status 4, its last line: "gone"; see its last lines with "meshos plugin describe gone"`},
		{entry("panic", "panic-at-start"), false, `start: it ended before its handshake: exit status 2, it crashed: "panic: no luck today"; run FILE by hand to see why`},
	}
	var entries []catalog.Entry
	for _, c := range cases {
		entries = append(entries, c.entry)
	}
	r := start(t, entries, func(o *catalog.Options) {
		o.Rand = func() float64 { return 1e6 } // no second try
	})
	info, err := os.Stat(testPlugin)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		status := snapshot.PluginBackingOff
		if c.rejected {
			status = snapshot.PluginRejected
		}
		v := r.waitFor(c.entry.Name, status)
		want := strings.NewReplacer("FILE", testPlugin, "SUM", v.SHA256, "SIZE", strconv.FormatInt(info.Size(), 10),
			"TIME", info.ModTime().UTC().Format(time.RFC3339)).Replace(c.want)
		if v.Message != want {
			t.Errorf("%s:\n got %s\nwant %s", c.entry.Name, v.Message, want)
		}
		if (v.RestartIn == nil) != c.rejected {
			t.Errorf("%s: next try in %v", c.entry.Name, v.RestartIn)
		}
		r.until("a failure record of "+c.entry.Name, r.contains(&r.failures, c.entry.Name+": "+want))
	}
}

func TestPluginThatNeverSaysHello(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("p", "silent")}, func(o *catalog.Options) {
		o.StartTimeout = 3 * time.Second // its execution counts too
		o.Rand = func() float64 { return 1e6 }
	})
	v := r.waitFor("p", snapshot.PluginBackingOff)
	if want := "start: no handshake within 3s; run " + testPlugin + " by hand to see what it does"; v.Message != want {
		t.Errorf("message %q", v.Message)
	}
}

func TestPanicAtStartLeavesItsWords(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("p", "panic-at-start")}, func(o *catalog.Options) { o.Rand = func() float64 { return 1e6 } })
	v := r.waitFor("p", snapshot.PluginBackingOff)
	if !strings.HasPrefix(v.Message, "start: it ended before its handshake: exit status 2") {
		t.Errorf("message %q", v.Message)
	}
	for _, want := range []string{"5 p: panic: no luck today", "5 p: goroutine 1"} {
		r.until(want, r.contains(&r.logs, want))
	}
	detail, err := r.Describe("p")
	if err != nil || len(detail.GetLastStderr()) == 0 || detail.GetLastStderr()[0] != "panic: no luck today" ||
		detail.GetLastExit() != "exit status 2" {
		t.Errorf("detail %v, %v", detail, err)
	}
}

func TestRequiredPluginThatFailsEndsTheHost(t *testing.T) {
	t.Parallel()
	required := func(e *catalog.Entry) { e.Required, e.Config = true, map[string]any{"reject": "no"} }
	r := start(t, []catalog.Entry{entry("good", ""), entry("needed", "", required)})
	err := <-r.ended
	r.ended <- err
	need := (*catalog.RequiredError)(nil)
	if !errors.As(err, &need) || err.Error() != "required plugin needed: configure: it refuses its configuration: no; "+
		"correct [plugin.config] in its entry in meshos.toml (or set required = false)" {
		t.Errorf("ended with %v", err)
	}
}

func TestRejectedPluginStartsWhenItsFileChanges(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "plugin")
	r := start(t, []catalog.Entry{entry("p", "", func(e *catalog.Entry) { e.Path = path })})
	r.waitFor("p", snapshot.PluginRejected)
	if err := os.Symlink(testPlugin, path); err != nil {
		t.Fatal(err)
	}
	r.waitFor("p", snapshot.PluginReady)
}

func TestDisabledPluginIsNeverStarted(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("p", "", func(e *catalog.Entry) { e.Enabled, e.Kinds = false, []string{catalog.KindActuator} })})
	if v := r.waitFor("p", snapshot.PluginDisabled); v.PID != 0 || v.Message != "enabled = false in its entry" {
		t.Errorf("view %+v", v)
	}
	if len(r.Actuators()) != 0 {
		t.Error("it serves nevertheless")
	}
	_, err := r.locality("p").SampleRTT(context.Background())
	if err == nil || err.Error() != "plugin p is disabled: enabled = false in its entry" {
		t.Errorf("call: %v", err)
	}
}

func TestChainsOfAPluginThatIsNotAnAppenderAreWarnedOf(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("p", "", func(e *catalog.Entry) { e.Chains, e.Kinds = []string{"audit"}, []string{catalog.KindHealthProbe} })})
	r.waitFor("p", snapshot.PluginReady)
	const want = "4 p: its entry names chains of records, but it is not used as a chain_appender"
	r.until(want, r.contains(&r.logs, want))
}

func TestPluginIsLookedUpByName(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("testplugin", "", func(e *catalog.Entry) { e.Path = "" })},
		func(o *catalog.Options) { o.PluginDir = filepath.Dir(testPlugin) })
	r.waitFor("testplugin", snapshot.PluginReady)
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// aCertificate is a valid certificate of nobody in particular. Whether it has expired does
// not matter here.
const aCertificate = "MIIBkzCCATmgAwIBAgIUBb6l/TwnAWIghVCHcarrhmDdh+gwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJbG9jYWxob3N0MB4XDTI2MTEyMzE1NTIyNloXDTI2MTEyNTE1NTIyNlowFDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwyNqqrro907my3xA+bGvU6Ib3+HfVf/leLXnpkcRrvhLOJ1Zu/h9esi495p0p0zj1WjE6s1VDgumqh7TIPPt4qNpMGcwHQYDVR0OBBYEFAm8rJUbtHFbkNig5ZL3odXhJ+cWMB8GA1UdIwQYMBaAFAm8rJUbtHFbkNig5ZL3odXhJ+cWMA8GA1UdEwEB/wQFMAMBAf8wFAYDVR0RBA0wC4IJbG9jYWxob3N0MAoGCCqGSM49BAMCA0gAMEUCID8vSETT+JJpuU/HqEFsOYDsc8SQa4LInF3yQlP2M/MgAiEAuPU6e5Few0uQGarYDKCruMZxAhhjznQ8VDSds02uShA"

// A handshake that came is not one that did not: the error says what was missing then.
func TestWhatWasMissingAfterTheHandshakeIsSaid(t *testing.T) {
	t.Parallel()
	wants := map[string]string{
		"silent-socket":  "start: its handshake came, but within 2s no HTTP/2 began on its socket",
		"no-streams":     "start: its handshake came, but within 2s no stream could be opened on its connection: it allows none at a time (MAX_CONCURRENT_STREAMS), or does not answer",
		"silent":         "start: no handshake within 2s",
		"long-handshake": "start: its handshake is longer than 8192 bytes; send a handshake as go-plugin does; rejected",
		"symlink-socket": "start: what it listens on, s, can't be used: not a socket (symbolic links are not followed); it has to listen on a unix socket in $PLUGIN_UNIX_SOCKET_DIR; rejected",
	}
	elsewhere := func(e *catalog.Entry) { e.Env = append(e.Env, "ELSEWHERE="+shortDir(t)+"/s") }
	var entries []catalog.Entry
	for mode := range wants {
		entries = append(entries, entry(mode, mode, elsewhere))
	}
	r := start(t, entries, soon, func(o *catalog.Options) { o.StartTimeout = 2 * time.Second })
	for mode, want := range wants {
		r.until(want, r.contains(&r.failures, mode+": "+want))
	}
}

// A migration that is to be aborted by a plugin that hangs or dies is not aborted, and the
// caller hears of it in time.
func TestAbortsOfAPluginThatHangsOrDiesFail(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]error{"deadlock": catalog.ErrDeadline, "exit-in-call": catalog.ErrUnavailable} {
		t.Run(mode, func(t *testing.T) {
			r := start(t, []catalog.Entry{entry("p", mode, func(e *catalog.Entry) { e.Timeout = 5 * time.Second })},
				func(o *catalog.Options) { o.HangTimeout = 100 * time.Millisecond })
			before := r.waitFor("p", snapshot.PluginReady)
			if err := r.Aborter().Abort(t.Context(), 1, "test"); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
			r.until("it is replaced", func() bool { v := r.view("p"); return v.PID != before.PID && v.Status == snapshot.PluginReady })
		})
	}
}
