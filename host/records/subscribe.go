package records

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/meshos/meshos/host/mesh"
)

// Subscription is an appender with the chains that it stores.
type Subscription struct {
	Appender Appender
	Chains   []mesh.RecordChain // none: all of them
}

// subscriber is an appender that was subscribed, and how far it holds the records.
type subscriber struct {
	appender Appender
	name     string
	chains   []mesh.RecordChain // in the order of allChains

	// held is, per chain, the seq of the present epoch through which the appender holds the
	// records; number is the number of its newest entry, of whatever epoch. The follower
	// writes both.
	held, number perChain[atomic.Uint64]
}

func (s *subscriber) follows(c mesh.RecordChain) bool { return slices.Contains(s.chains, c) }

// Subscribe adds appenders. It fails, and adds none, if a chain does not exist or two
// appenders have one name. It must be called before Run, and before Read.
func (r *Records) Subscribe(subs []Subscription) error {
	all := slices.Clone(r.subscribers)
	for _, sub := range subs {
		name := sub.Appender.Name()
		if slices.ContainsFunc(all, func(other *subscriber) bool { return other.name == name }) {
			return fmt.Errorf("two appenders are named %q; a name must be unique", name)
		}
		chains, err := inOrder(sub.Chains)
		if err != nil {
			return fmt.Errorf("appender %q: %w", name, err)
		}
		all = append(all, &subscriber{appender: sub.Appender, name: name, chains: chains})
	}
	r.subscribers = all
	return nil
}

// inOrder returns chains once each, in the order of allChains; all for none.
func inOrder(chains []mesh.RecordChain) ([]mesh.RecordChain, error) {
	all := allChains()
	for _, c := range chains {
		if !slices.Contains(all, c) {
			return nil, fmt.Errorf("there is no chain of records %d; there are %s", c, names(all))
		}
	}
	if len(chains) == 0 {
		return all, nil
	}
	return slices.DeleteFunc(all, func(c mesh.RecordChain) bool { return !slices.Contains(chains, c) }), nil
}

// names returns "audit, failure and log records".
func names(chains []mesh.RecordChain) string {
	words := make([]string, len(chains))
	for i, c := range chains {
		words[i] = c.String()
	}
	last := len(words) - 1
	if last > 0 {
		words = append([]string{strings.Join(words[:last], ", ")}, words[last])
	}
	return strings.Join(words, " and ") + " records"
}
