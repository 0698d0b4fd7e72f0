package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/meshos/meshos/pluginsdk/wire"
)

// The kinds that a plugin may serve, as Describe names them.
const (
	KindLocalityProbe    = wire.KindLocalityProbe
	KindHealthProbe      = wire.KindHealthProbe
	KindInventoryProbe   = wire.KindInventoryProbe
	KindPlacementScorer  = wire.KindPlacementScorer
	KindMigrationAborter = wire.KindMigrationAborter
	KindMigrationSource  = wire.KindMigrationSource
	KindChainAppender    = wire.KindChainAppender
	KindActuator         = wire.KindActuator
	KindEventSource      = wire.KindEventSource
	KindRecoveryHandler  = wire.KindRecoveryHandler
	KindControlSink      = wire.KindControlSink
	KindMesh             = wire.KindMesh
)

// knownKinds splits the kinds that somebody named into those that this host knows, sorted
// and without repetitions, and the others.
func knownKinds(named []string) (known, unknown []string) {
	all := wire.Kinds()
	for _, kind := range named {
		if slices.Contains(all, kind) {
			known = append(known, kind)
		} else {
			unknown = append(unknown, kind)
		}
	}
	slices.Sort(known)
	return slices.Compact(known), unknown
}

// actingKinds returns the kinds that act or bring events. They count only when the entry of
// the plugin asks for them: a new build must not take on what nobody gave it.
func actingKinds() []string {
	return []string{KindChainAppender, KindActuator, KindEventSource, KindRecoveryHandler}
}

// usedKinds splits the kinds that a plugin serves into those for which its entry has it
// used, and those that count only if the entry asked for them.
func (e Entry) usedKinds(served []string) (used, unasked []string) {
	acting := actingKinds()
	if slices.Contains(served, KindMesh) { // it moves replicas only where it holds chains
		acting = append(acting, KindMigrationAborter, KindMigrationSource)
	}
	for _, kind := range served {
		switch {
		case len(e.Kinds) > 0:
			if slices.Contains(e.Kinds, kind) {
				used = append(used, kind)
			}
		case slices.Contains(acting, kind) && !slices.Contains(e.Asks, kind):
			unasked = append(unasked, kind)
		default:
			used = append(used, kind)
		}
	}
	return used, unasked
}

// unaskedText returns what is wrong with an entry that does not ask for kinds which the
// plugin serves, with the line to add; "" for nothing. A mesh plugin may hold chains, and that is
// up to its configuration: it says itself when it is not asked for what it needs then.
func unaskedText(served, unasked []string) string {
	if len(unasked) == 0 || slices.Contains(served, KindMesh) {
		return ""
	}
	quoted := make([]string, len(served))
	for i, kind := range served {
		quoted[i] = strconv.Quote(kind)
	}
	return fmt.Sprintf("it is not used as %s, since its entry does not ask for that; add kinds = [%s] to the entry, or leave out what it is not to be",
		strings.Join(unasked, ", "), strings.Join(quoted, ", "))
}

// isProbe reports whether a plugin of these kinds has to know the peers.
func isProbe(kinds []string) bool {
	return slices.Contains(kinds, KindLocalityProbe) ||
		slices.Contains(kinds, KindHealthProbe) ||
		slices.Contains(kinds, KindInventoryProbe)
}
