package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/protobuf/types/known/structpb"
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
}

// New checks the options, all of them in one error, and starts nothing.
func New(opts Options) (*Catalog, error) {
	opts = opts.withDefaults()
	if err := opts.check(); err != nil {
		return nil, err
	}
	c := &Catalog{opts: opts, peers: &peerBook{}}
	c.peers.set(opts.Node, opts.Peers)
	for _, e := range opts.Entries {
		c.slots = append(c.slots, newSlot(e, &c.opts, c.peers))
	}
	return c, nil
}

// Run starts all plugins at once, keeps them running until ctx ends, and ends
// them, within 3 s. No process is left when it returns. Its error is nil, or a
// *RequiredError when a required plugin did not come up at the first try. It may
// be called once.
//
// serving is called with the kinds that a plugin serves, sorted: when the plugin is
// ready for the first time, and again when they change. It may call into the
// catalog, and may be nil.
func (c *Catalog) Run(ctx context.Context, serving func(plugin string, kinds []string)) error {
	if serving == nil {
		serving = func(string, []string) {}
	}
	spawner := process.NewSpawner()
	defer spawner.Close()
	sockets := &socketDirs{runDir: c.opts.RunDir, dataDir: c.opts.DataDir}
	sockets.sweep()
	defer sockets.remove()
	env := &runEnv{spawner: spawner, sockets: sockets, serving: serving}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, s := range c.slots {
		wg.Go(func() {
			s.run(ctx, env, func(err error) {
				if err != nil && s.entry.Required {
					cancel(&RequiredError{Plugin: s.entry.Name, Err: err})
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

// Views gives every configured plugin as operators see it, sorted by name.
func (c *Catalog) Views() []snapshot.Plugin {
	now := c.opts.Now()
	views := make([]snapshot.Plugin, 0, len(c.slots))
	for _, s := range c.slots {
		views = append(views, s.view(now))
	}
	slices.SortFunc(views, func(a, b snapshot.Plugin) int { return cmp.Compare(a.Name, b.Name) })
	return views
}

// Describe tells all that is known of one plugin. The error is a
// *NotConfiguredError.
func (c *Catalog) Describe(name string) (*hostv1.PluginDetail, error) {
	s, err := c.find(name)
	if err != nil {
		return nil, err
	}
	detail := &hostv1.PluginDetail{
		View: wire.PluginToProto(s.view(c.opts.Now())), Path: s.entry.Path, LastStderr: s.output.Lines(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	detail.LastExit, detail.ConfigSchema = s.lastExit, s.schema
	detail.Warnings = append(slices.Clone(s.warnings), s.liesTold()...)
	for _, m := range s.machine.timeline {
		detail.Timeline = append(detail.Timeline, &hostv1.PluginEvent{At: timestamppb.New(m.at), What: m.what})
	}
	return detail, nil
}

// SetPeers replaces the peers (without this node) and tells every probe that
// runs; one that does not is told when it starts. The error joins those of the
// plugins that could not be told; they are told again until they know.
func (c *Catalog) SetPeers(ctx context.Context, peers []*pluginv1.Peer) error {
	c.peers.set(c.opts.Node, peers)
	errs := make([]error, len(c.slots))
	var wg sync.WaitGroup
	for n, s := range c.slots {
		wg.Go(func() {
			if i := s.hold(); i != nil {
				defer i.calls.Done()
				errs[n] = s.tellPeers(ctx, i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Reconfigure gives a plugin another configuration. A running one is asked first:
// if it refuses, it keeps the old one, and so does the catalog. One that does not
// run gets it at its next start, which is at once if it was rejected or waits.
func (c *Catalog) Reconfigure(ctx context.Context, name string, config map[string]any) error {
	s, err := c.find(name)
	if err != nil {
		return err
	}
	if _, err := structpb.NewStruct(config); err != nil {
		return fmt.Errorf("plugin %s: config: %w", name, err)
	}
	for took := false; !took; {
		i := s.hold()
		if i != nil {
			err := s.configure(ctx, i, config)
			i.calls.Done()
			if err != nil {
				return err
			}
		}
		took = s.adopt(config, i)
	}
	s.wakeUp()
	return nil
}

// adopt makes a configuration that of the next start. It says false when there is
// another process by now than the one that has taken it: that one may have begun
// with the old.
func (s *slot) adopt(config map[string]any, taken *instance) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config = config
	s.configVersion++
	if s.instance != nil && s.instance != taken {
		return false
	}
	if s.instance != nil {
		s.renewLocked()
	}
	s.kick = s.machine.waits()
	return true
}

// Retry tries at once what waits for its next try: what made a plugin fail may have
// been put right.
func (c *Catalog) Retry() {
	for _, s := range c.slots {
		s.mu.Lock()
		s.kick = s.machine.waits()
		s.mu.Unlock()
		s.wakeUp()
	}
}

// hold gives the running process, if there is one, and keeps its connection open
// until its calls are told Done.
func (s *slot) hold() *instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.instance != nil {
		s.instance.calls.Add(1)
	}
	return s.instance
}

// find looks a plugin up.
func (c *Catalog) find(name string) (*slot, error) {
	for _, s := range c.slots {
		if s.entry.Name == name {
			return s, nil
		}
	}
	return nil, &NotConfiguredError{name}
}
