package operator

import (
	"slices"
	"time"

	"github.com/meshos/meshos/host/operator/rules"

	"github.com/meshos/meshos/host/operator/signers"
)

// namesFor is how long Names returns what it found before it looks again.
const namesFor = 10 * time.Second

// names is who may sign, as it was found last.
type names struct {
	of   *signers.Set
	at   time.Time
	list []string
}

// Names returns the names of the operators whose keys may sign commands now, sorted. It is
// nil for a node without operators. Callers must not change it.
func (a *Authorizer) Names() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.set == nil {
		return nil
	}
	now := a.opts.Now()
	if age := now.Sub(a.found.at); a.found.of == a.set && age >= 0 && age < namesFor {
		return a.found.list
	}
	list := []string{}
	for _, e := range a.set.Entries() {
		if signer, err := a.set.Find(e.Key, rules.Namespace, now); err == nil {
			list = append(list, signer.Name)
		}
	}
	slices.Sort(list)
	a.found = names{of: a.set, at: now, list: slices.Compact(list)}
	return a.found.list
}
