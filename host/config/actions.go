package config

import (
	"fmt"
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// actuated returns the kinds of action that an actuator can carry out.
func actuated() []string {
	return []string{
		mesh.KindPullReplica, mesh.KindDropReplica, mesh.KindRequestPlacement, mesh.KindRequestEviction,
		mesh.KindMigrateBlob, mesh.KindReduceHeat, mesh.KindTransferLeader,
	}
}

// hostsOwn returns the kinds that a node carries out itself, whatever plugins it has.
func hostsOwn() []string {
	return []string{
		mesh.KindStartDaemon, mesh.KindStopDaemon, mesh.KindMarkAvoid, mesh.KindApplyBackoff, mesh.KindCommitTransition,
		mesh.KindAskReload, mesh.KindSendSignal,
	}
}

// actions is a setting for a list of kinds of action.
func actions(key string, at *[]string) setting {
	known := actuated()
	return texts(key, at).checked(func() *fault {
		var faults *fault
		for i, kind := range *at {
			switch f := unknownWord(kind, known); {
			case slices.Contains(hostsOwn(), kind):
				faults = faults.append(&fault{
					message: "names " + quote(kind) + ", which the node carries out itself", hint: "leave it out",
				})
			case f != nil:
				faults = faults.append(f)
			case slices.Contains((*at)[:i], kind):
				faults = faults.append(&fault{message: "names " + quote(kind) + " twice"})
			}
		}
		return faults
	})
}

// checkActions reports kinds of action that two plugins name, and actions of a plugin
// that is not used as an actuator.
func (r *reader) checkActions(c *Config) {
	first := map[string]int{}
	at := func(i int) place { return place("").key("plugin").item(i).key("actions") }
	for i, p := range c.Plugins {
		if len(p.Actions) > 0 && len(p.Kinds) > 0 && !slices.Contains(p.Kinds, "actuator") {
			r.problem("plugin.actions", fault{
				message: "is for actuators, but kinds does not have actuator",
				hint:    `add "actuator" to kinds, or leave out actions`,
			}, at(i))
		}
		if !p.Enabled {
			continue
		}
		for n, kind := range p.Actions {
			other, taken := first[kind]
			switch {
			case slices.Contains(p.Actions[:n], kind): // reported already
			case taken:
				r.problem("plugin.actions", fault{
					message: fmt.Sprintf("%s is already named by plugin %s, in line %d",
						kind, c.Plugins[other].Name, r.places[at(other)]),
					hint: "name it in one of the two only",
				}, at(i))
			default:
				first[kind] = i
			}
		}
	}
}
