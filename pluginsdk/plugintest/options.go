package plugintest

import (
	"io"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/pluginsdk"
)

// Option changes the world that a plugin under test lives in.
type Option func(*options)

type options struct {
	info    pluginsdk.Info
	node    uint64
	cluster string
	dataDir string
	peers   []pluginsdk.Peer
	log     hclog.Logger
	timeout time.Duration
}

func gather(t testing.TB, opts []Option) options {
	o := options{
		info: pluginsdk.Info{Name: "under-test", Version: "0.0.0"},
		node: 1, cluster: "test", timeout: 10 * time.Second,
		log: hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: t.Output(), DisableTime: true}),
	}
	for _, opt := range opts {
		opt(&o)
	}
	if o.dataDir == "" {
		o.dataDir = t.TempDir()
	}
	return o
}

// WithNode is the id of the node that the plugin runs on; it is 1 otherwise.
func WithNode(id uint64) Option { return func(o *options) { o.node = id } }

// WithCluster is the id of the cluster; it is "test" otherwise.
func WithCluster(id string) Option { return func(o *options) { o.cluster = id } }

// WithPeers tells the plugin its peers before it is configured.
func WithPeers(peers ...pluginsdk.Peer) Option {
	return func(o *options) { o.peers = peers }
}

// WithLogs sends the plugin's log lines to w, which must take concurrent writes,
// as a Buffer does. They go to the test's output otherwise.
func WithLogs(w io.Writer) Option {
	return func(o *options) {
		o.log = hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: w, DisableTime: true})
	}
}

// WithDataDir is the plugin's data directory: for tests of what outlives a restart.
// It is a fresh temporary one otherwise.
func WithDataDir(dir string) Option { return func(o *options) { o.dataDir = dir } }

// WithInfo is what the plugin says of itself; Start can't know it.
func WithInfo(info pluginsdk.Info) Option { return func(o *options) { o.info = info } }

// WithTimeout is the deadline of each call; it is 10 s otherwise.
func WithTimeout(d time.Duration) Option { return func(o *options) { o.timeout = d } }
