// Package pluginsdk is what the author of a meshos plugin imports.
//
// A plugin is one program. Its main is one call of Main with a constructor that
// gets decoded, checked configuration; what the constructor returns serves every
// kind whose interface it has (LocalityProbe, HealthProbe, PlacementScorer …). A
// new configuration makes a new instance, so an author writes no lock for it.
//
//	func main() {
//		pluginsdk.Main(pluginsdk.Info{Name: "constant-rtt", Version: "1.0.0"},
//			func(env pluginsdk.Env, cfg config) (*constant, error) {
//				return &constant{rtt: time.Duration(cfg.RTT)}, nil
//			})
//	}
//
// The package hides how the host starts, reaches and ends the process. It is not
// a client of the host: a plugin is asked, it never asks. It imports nothing of
// the host, and the host nothing of it: they share the .proto files only.
//
// Tests of a plugin use package plugintest. docs/writing-plugins.md tells the
// whole story, with the wire for authors in other languages.
package pluginsdk
