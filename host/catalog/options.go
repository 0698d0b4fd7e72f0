package catalog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/pluginsdk/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// Entry is one [[plugin]] of the configuration.
type Entry struct {
	Name     string
	Path     string // the binary; empty for PluginDir/Name
	SHA256   string // hex; empty for no pin
	Required bool   // the host ends if it does not start
	Enabled  bool
	// Kinds are those for which it is used, of those that it serves; empty for all but those
	// that act or bring events.
	Kinds []string
	// Asks are kinds that act or bring events and that count although Kinds is empty.
	Asks   []string
	Chains []string // whose records an appender stores
	// Timeout bounds one call. 0 means 5 s, 1 s for calls that are made at every tick, and
	// for an actuator the deadline of its caller.
	Timeout time.Duration
	API     bool           // its processes may use the node's API
	Env     []string       // KEY=VALUE; beside these the process gets the host's own variables only
	Config  map[string]any // passed to the plugin

	timed bool // Timeout was set
}

// Options is what a catalog works with. Its callbacks are called from any goroutine;
// they must not wait, and must not call into the catalog.
type Options struct {
	Entries   []Entry
	PluginDir string // of binaries whose entries have no path
	// Spawner starts the plugins; it stays the caller's. nil for one of the catalog's own.
	Spawner *process.Spawner
	DataDir string // of the host; plugin NAME gets DataDir/plugins/NAME
	// RunDir is where the socket directories are created; empty for the system's directory
	// for temporary files. Its path has to be short.
	RunDir  string
	Node    uint64
	Cluster string
	Peers   []*pluginv1.Peer // without this node

	HangTimeout  time.Duration // how long a plugin may lag before it is killed; 0 for 10 s
	StartTimeout time.Duration // until the process is connected; 0 for 5 s
	DrainTimeout time.Duration // for a plugin to end when it is asked to; 0 for 1 s

	// KeepaliveEvery is how long a plugin may be idle before it is called to see whether
	// it lives; 0 for 5 s.
	KeepaliveEvery time.Duration

	// FilePoll is how often the file of a rejected plugin is checked for a change; 0 for
	// 2 s.
	FilePoll time.Duration

	// Mesh returns what a plugin of the kind mesh gets of its node's keys; nil for nothing.
	// Unlike the callbacks below it may read and write files.
	Mesh func() (*pluginv1.MeshIdentity, error)

	// PageBytes is how large pages of views and scores are, in both directions; 0 for
	// wire.PageBytes.
	PageBytes int

	// Log takes log lines of plugins, and the catalog's own about them.
	Log func(level mesh.LogLevel, plugin, message string)
	// Failure takes what has to become a failure record.
	Failure func(plugin, reason string)
	// Observe is called at the end of every call, with the error that its caller got.
	Observe func(plugin, method string, took time.Duration, err error)

	// Now is the clock of the plugins' lives, and Rand their randomness in [0, 1); nil for
	// the real ones.
	Now  func() time.Time
	Rand func() float64
}

// defaultCallTimeout is the timeout of a call if the entry names none.
const defaultCallTimeout = 5 * time.Second

// defaultPollTimeout is the same for a call that is made at every tick.
const defaultPollTimeout = time.Second

// withDefaults returns the options with defaults for what is not set.
func (o Options) withDefaults() Options {
	setDefault(&o.HangTimeout, 10*time.Second)
	setDefault(&o.StartTimeout, 5*time.Second)
	setDefault(&o.DrainTimeout, time.Second)
	setDefault(&o.KeepaliveEvery, 5*time.Second)
	setDefault(&o.FilePoll, 2*time.Second)
	if o.RunDir == "" {
		o.RunDir = os.TempDir()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Log == nil {
		o.Log = func(mesh.LogLevel, string, string) {}
	}
	if o.Failure == nil {
		o.Failure = func(string, string) {}
	}
	if o.Observe == nil {
		o.Observe = func(string, string, time.Duration, error) {}
	}
	o.Entries = slices.Clone(o.Entries)
	for i, e := range o.Entries {
		o.Entries[i] = o.complete(e)
	}
	return o
}

// complete returns an entry with defaults for what is not set.
func (o Options) complete(e Entry) Entry {
	e.timed = e.Timeout > 0
	setDefault(&e.Timeout, defaultCallTimeout)
	if e.Path == "" {
		e.Path = filepath.Join(o.PluginDir, e.Name)
	}
	e.SHA256 = strings.ToLower(e.SHA256)
	return e
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}

// check returns in one error everything that can't work whatever the binaries are.
func (o Options) check() error {
	errs := []error{checkRunDir(o.RunDir)}
	seen := make(map[string]bool)
	for _, e := range o.Entries {
		bad := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("plugin %s: %s", e.Name, fmt.Sprintf(format, args...)))
		}
		switch {
		case e.Name == "":
			errs = append(errs, errors.New("a plugin has no name"))
			continue
		case e.Name == "." || e.Name == ".." || strings.ContainsAny(e.Name, "/\x00"):
			bad("its name is used as a file name and must not contain a slash")
		case seen[e.Name]:
			bad("configured twice")
		}
		seen[e.Name] = true
		errs = append(errs, e.check()...)
	}
	return errors.Join(errs...)
}

// check returns everything that can't work in an entry whatever the binary is.
func (e Entry) check() (errs []error) {
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("plugin %s: %s", e.Name, fmt.Sprintf(format, args...)))
	}
	if e.SHA256 != "" && !isSHA256(e.SHA256) {
		bad("sha256 must be 64 hex digits, is %q", e.SHA256)
	}
	if _, unknown := knownKinds(e.Kinds); len(unknown) > 0 {
		bad("unknown kind %q; known are %s", unknown[0], strings.Join(wire.Kinds(), ", "))
	}
	for _, kv := range e.Env {
		if why := badVariable(kv); why != "" {
			bad("env: %s", why)
		}
	}
	if _, err := structpb.NewStruct(e.Config); err != nil {
		bad("config: %v", err)
	}
	return errs
}

// badVariable returns why a variable can't be granted, or "".
func badVariable(kv string) string {
	key, _, ok := strings.Cut(kv, "=")
	switch {
	case !ok || key == "" || strings.Contains(kv, "\x00"):
		return fmt.Sprintf("%q is not of the form KEY=VALUE", kv)
	case strings.HasPrefix(key, "PLUGIN_") || key == cookieKey || key == lifelineKey:
		return key + " is set by the host"
	}
	return ""
}

func isSHA256(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}
