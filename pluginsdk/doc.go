// Package pluginsdk is what the author of a meshos plugin imports.
//
// A plugin is one program. Its main function calls Main with a constructor, which gets
// the decoded and checked configuration:
//
//	func main() {
//		pluginsdk.Main(pluginsdk.Info{Name: "constant-rtt", Version: "1.0.0"},
//			func(env pluginsdk.Env, cfg config) (*constant, error) {
//				return &constant{rtt: time.Duration(cfg.RTT)}, nil
//			})
//	}
//
// What the constructor returns is an instance. It serves every kind whose interface it
// implements: LocalityProbe, HealthProbe, InventoryProbe, PlacementScorer,
// MigrationAborter, MigrationSource, ChainAppender, Actuator, EventSource,
// RecoveryHandler, ControlSink. It may also implement Runner, PeerWatcher, Warner and
// io.Closer. A new configuration makes a new instance, so what an instance keeps of its
// configuration never changes and needs no lock.
//
// The context of a call ends a little before the host stops waiting for the answer. Calls
// may run at the same time, in several goroutines. An error means that the plugin could
// not do its work: that a target is down is an answer, not an error. Invalid, NotFound,
// FailedPrecondition, Unavailable and UnavailableAfter make errors that tell the host
// more.
//
// The package hides how the host starts, reaches and ends the process. It is not a client
// of the host: the host calls the plugin, never the other way round. It imports nothing
// from the host, and the host imports nothing of it but package wire.
//
// Tests of a plugin use package plugintest, and so do the examples of each kind.
// docs/writing-plugins.md is the guide, and describes the protocol for authors in other
// languages.
package pluginsdk
