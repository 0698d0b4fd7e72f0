package pluginsdk

import "github.com/hashicorp/go-hclog"

// Info says what a plugin is.
type Info struct {
	// Name is the plugin's name, as operators write it: lower case, with dashes.
	Name string
	// Version is the plugin's own version, for people.
	Version string
	// Doc is one sentence for the page shown when the binary is run by hand.
	Doc string
	// NoOp marks a placeholder: it serves its kinds and does nothing. The host
	// shows that, and does not count on such a plugin.
	NoOp bool
}

// Env is the world an instance lives in.
type Env struct {
	// Log writes to the node's log with its levels. It never blocks for long.
	Log hclog.Logger
	// Node is the id of the node the plugin runs on. Run by hand it is 1.
	Node uint64
	// Cluster is the id of the node's cluster. Run by hand it is "default".
	Cluster string
	// DataDir is a directory of the plugin's own, which exists and is kept across
	// restarts. Run by hand it is a temporary one.
	DataDir string
}
