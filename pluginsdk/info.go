package pluginsdk

import (
	"github.com/hashicorp/go-hclog"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// Info describes a plugin.
type Info struct {
	// Name is the plugin's name, as operators write it: in lower case, with dashes.
	Name string
	// Version is the version of the plugin, for people.
	Version string
	// Doc is one sentence. It is shown when the binary is run by hand.
	Doc string
	// NoOp marks a placeholder: a plugin that serves its kinds and does nothing. The
	// host shows this and does not rely on it.
	NoOp bool
	// HealthSchemes are the schemes of the health targets that a HealthProbe checks, such
	// as "https"; the host gives it no others. A target of the form host:port is of the
	// scheme "tcp". A probe that names none gets targets of the form host:port.
	HealthSchemes []string
	// SharedPeers says that a probe does not change the peers that its calls get, so that all
	// calls get the same slice. Otherwise each gets a copy of its own, and with many peers that
	// takes longer than many a probe takes for its answer.
	SharedPeers bool
}

// Env is what the constructor of an instance gets beside its configuration.
type Env struct {
	// Log writes to the node's log, with levels. It never blocks for long.
	Log hclog.Logger
	// Node is the id of the node that the plugin runs on. It is 1 when run by hand.
	Node uint64
	// Cluster is the id of the node's cluster. It is "default" when run by hand.
	Cluster string
	// DataDir is a directory for this plugin alone. It exists, and is kept across
	// restarts. It is temporary when run by hand.
	DataDir string
	// Mesh has what a Mesh needs of its node's keys; nil for plugins of other kinds.
	Mesh *pluginv1.MeshIdentity
}
