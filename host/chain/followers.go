package chain

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Subscription is an appender with the chains that it stores.
type Subscription struct {
	Appender Appender
	Chains   []mesh.RecordChain // none: all of them
}

// Options are what Followers work with.
type Options struct {
	Reader    Reader
	Feed      Feed
	Appenders []Subscription
	// Timeout bounds one Append. 0 is 10 s.
	Timeout time.Duration
	// Log, if set, hears of appenders that are back and of reports nobody took.
	Log *slog.Logger
}

// Followers bring records to all appenders of a node. Make them with New and run
// them once.
type Followers struct {
	opts      Options
	followers []*follower
	failures  atomic.Uint64
	moved     chan struct{} // has room for one: some follower got on
}

// New gives Followers that do nothing until Run. It refuses a chain that does not
// exist and two appenders of one name.
func New(o Options) (*Followers, error) {
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	f := &Followers{opts: o, moved: make(chan struct{}, 1)}
	for _, sub := range o.Appenders {
		name := sub.Appender.Name()
		for _, other := range f.followers {
			if other.name == name {
				return nil, fmt.Errorf("two appenders are named %q; a name must be unique", name)
			}
		}
		chains, err := inOrder(sub.Chains)
		if err != nil {
			return nil, fmt.Errorf("appender %q: %w", name, err)
		}
		f.followers = append(f.followers, &follower{
			appender: sub.Appender, name: name, chains: chains,
			reader: o.Reader, feed: o.Feed, timeout: o.Timeout, log: o.Log,
			failures: &f.failures, advanced: f.nudge,
		})
	}
	return f, nil
}

// Run follows the snapshots until ctx ends. Then each appender that was well gets
// 2 s for what is left; so end the loop before, and the appenders after it.
func (f *Followers) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, one := range f.followers {
		all.Go(func() { one.run(ctx) })
	}
	all.Go(func() { f.acknowledge(ctx) })
	all.Wait()
}

// AppendFailures counts the appends that failed; those that found nobody there
// (ErrAway) not. It may be called at any time.
func (f *Followers) AppendFailures() uint64 { return f.failures.Load() }

// nudge wakes the goroutine that acknowledges.
func (f *Followers) nudge() {
	select {
	case f.moved <- struct{}{}:
	default: // it is to wake already, and looks at everything then
	}
}

func (f *follower) follows(c mesh.RecordChain) bool { return slices.Contains(f.chains, c) }

// inOrder gives chains once each, in the order of allChains; all for none.
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

// names gives "audit, failure and log records".
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
