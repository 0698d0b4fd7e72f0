// Package pluginsdk is what the author of a meshos plugin imports.
//
// A plugin is one program. Its main calls Main with a constructor, which gets the
// decoded and checked configuration. What the constructor returns is the instance: it
// serves every kind whose interface it implements (LocalityProbe, HealthProbe,
// PlacementScorer …). A new configuration makes a new instance, so an author needs
// no lock for it.
//
//	func main() {
//		pluginsdk.Main(pluginsdk.Info{Name: "constant-rtt", Version: "1.0.0"},
//			func(env pluginsdk.Env, cfg config) (*constant, error) {
//				return &constant{rtt: time.Duration(cfg.RTT)}, nil
//			})
//	}
//
// The package hides how the host starts, reaches and ends the process. It is not a
// client of the host: the host calls the plugin, never the other way round. It
// imports nothing from the host, and the host imports nothing of it but package wire.
//
// Tests of a plugin use package plugintest; the examples below do, too.
// docs/writing-plugins.md is the guide, and describes the protocol for authors in
// other languages.
package pluginsdk
