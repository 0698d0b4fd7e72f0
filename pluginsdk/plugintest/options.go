package plugintest

import (
	"io"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/pluginsdk"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// Option changes what a plugin under test gets from its host.
type Option func(*options)

type options struct {
	info    pluginsdk.Info
	node    uint64
	cluster string
	dataDir string
	peers   []pluginsdk.Peer
	mesh    *pluginv1.MeshIdentity
	log     hclog.Logger
	timeout time.Duration
}

func gather(t testing.TB, opts []Option) options {
	o := options{
		info: pluginsdk.Info{Name: "under-test", Version: "0.0.0"},
		node: 1, cluster: "test", timeout: 30 * time.Second,
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

// WithNode sets the id of the node that the plugin runs on. The default is 1.
func WithNode(id uint64) Option { return func(o *options) { o.node = id } }

// WithCluster sets the id of the cluster. The default is "test".
func WithCluster(id string) Option { return func(o *options) { o.cluster = id } }

// WithPeers sends the plugin its peers before it is configured.
func WithPeers(peers ...pluginsdk.Peer) Option {
	return func(o *options) { o.peers = peers }
}

// WithMesh sends a mesh plugin the keys of its node.
func WithMesh(identity *pluginv1.MeshIdentity) Option { return func(o *options) { o.mesh = identity } }

// WithLogs sends the plugin's log lines to w, which must allow concurrent writes, as a
// Buffer does. By default they go to the test's output.
func WithLogs(w io.Writer) Option {
	return func(o *options) {
		o.log = hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: w, DisableTime: true})
	}
}

// WithDataDir sets the plugin's data directory, for tests of what survives a restart. The
// default is a new temporary one.
func WithDataDir(dir string) Option { return func(o *options) { o.dataDir = dir } }

// WithInfo sets what main passes to pluginsdk.Main, which Start can't see.
func WithInfo(info pluginsdk.Info) Option { return func(o *options) { o.info = info } }

// WithTimeout sets the time limit of each call. The default is 30 s, for slow machines.
func WithTimeout(d time.Duration) Option { return func(o *options) { o.timeout = d } }
