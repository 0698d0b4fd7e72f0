package pluginsdk

import "fmt"

// Main is the whole main of a plugin; it does not return. Started by a host it
// serves, until the host ends it or goes away; run by hand it explains itself.
//
// C is the struct of the configuration: its tags say names, defaults and bounds.
// P is the concrete type of an instance; it serves every kind whose interface it
// has. construct builds one for a configuration that was decoded and checked; its
// error is shown to the operator.
func Main[C, P any](info Info, construct func(Env, C) (P, error)) {
	panic(fmt.Sprintf("pluginsdk: %s can't be served yet", info.Name))
}
