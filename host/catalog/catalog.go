package catalog

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// Catalog is the set of configured plugins. Its methods are safe for concurrent
// use, and work before, during and after Run.
type Catalog struct {
	opts  Options
	peers *peerBook
	slots []*slot // in the order of the configuration

	unchecked uncheckedPeers
}

// New checks the options and returns all their faults in one error. It starts nothing.
func New(opts Options) (*Catalog, error) {
	opts = opts.withDefaults()
	if err := opts.check(); err != nil {
		return nil, err
	}
	c := &Catalog{opts: opts, peers: &peerBook{}}
	c.peers.replace(opts.Node, func() []*pluginv1.Peer { return opts.Peers })
	for _, e := range opts.Entries {
		c.slots = append(c.slots, newSlot(e, &c.opts, c.peers))
	}
	return c, nil
}

// Run starts all plugins at once and keeps them running until ctx ends. Then it ends
// them within 3 s; no process is left when it returns. Its error is nil, or a
// *RequiredError if a required plugin did not start at the first try. It may be called
// once.
//
// serving is called with the kinds that a plugin serves, sorted: when the plugin is
// ready for the first time, and again when they change. It may call into the
// catalog, and may be nil.
func (c *Catalog) Run(ctx context.Context, serving func(plugin string, kinds []string)) error {
	if serving == nil {
		serving = func(string, []string) {}
	}
	spawner := c.opts.Spawner
	if spawner == nil {
		spawner = process.NewSpawner()
		defer spawner.Close()
	}
	sockets := &socketDirs{runDir: c.opts.RunDir}
	sockets.sweep()
	defer sockets.remove()
	env := &runEnv{spawner: spawner, sockets: sockets, serving: serving}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, s := range c.slots {
		wg.Go(func() {
			s.run(ctx, env, func(err error) {
				if err != nil && s.entry().Required {
					cancel(&RequiredError{Plugin: s.entry().Name, Err: err})
				}
			})
		})
	}
	wg.Wait() // run returns when ctx has ended
	if required := (*RequiredError)(nil); errors.As(context.Cause(ctx), &required) {
		return required
	}
	return nil
}

// runEnv is what all slots of a running catalog share.
type runEnv struct {
	spawner *process.Spawner
	sockets *socketDirs
	serving func(plugin string, kinds []string)
	calm    calm
}

// Views returns every configured plugin as operators see it, sorted by name.
func (c *Catalog) Views() []snapshot.Plugin {
	now := c.opts.Now()
	views := make([]snapshot.Plugin, 0, len(c.slots))
	for _, s := range c.slots {
		views = append(views, s.view(now))
	}
	slices.SortFunc(views, func(a, b snapshot.Plugin) int { return cmp.Compare(a.Name, b.Name) })
	return views
}

// Describe returns all that is known of one plugin. The error is a
// *NotConfiguredError.
func (c *Catalog) Describe(name string) (*hostv1.PluginDetail, error) {
	s, err := c.find(name)
	if err != nil {
		return nil, err
	}
	detail := &hostv1.PluginDetail{
		View: wire.PluginToProto(s.view(c.opts.Now())), Path: s.entry().Path, LastStderr: s.output.Lines(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	detail.LastExit, detail.ConfigSchema, detail.HealthSchemes = s.lastExit, s.schema, s.schemes
	if s.notice != "" {
		detail.Warnings = []string{s.notice}
	}
	detail.Warnings = slices.Concat(detail.Warnings, s.warnings, s.discarded.Warnings())
	if s.unsealed {
		detail.Warnings = append(detail.Warnings, unsealedWarning)
	}
	for _, m := range s.machine.timeline {
		detail.Timeline = append(detail.Timeline, &hostv1.PluginEvent{At: timestamppb.New(m.at), What: m.what})
	}
	return detail, nil
}

// Retry tries at once every plugin that waits for its next try: what made it fail may
// have been repaired.
func (c *Catalog) Retry() {
	for _, s := range c.slots {
		s.mu.Lock()
		s.retryNow = s.machine.awaitsRetry()
		s.mu.Unlock()
		s.wakeUp()
	}
}

// find returns the slot of a plugin.
func (c *Catalog) find(name string) (*slot, error) {
	for _, s := range c.slots {
		if s.entry().Name == name {
			return s, nil
		}
	}
	return nil, &NotConfiguredError{name}
}
