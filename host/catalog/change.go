package catalog

import (
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/meshos/meshos/host/mesh"
)

// Change gives a plugin the keys of another entry of its name that can change while the
// node runs: path, sha256, env, kinds, timeout, api and config. The others stay.
//
// A process that runs is ended and started anew if it was started from another file or
// with other variables or kinds, or if its program does not have the new checksum.
// Otherwise it goes on, and a changed configuration is handed to it as by Reconfigure.
//
// The entry as a whole may be refused, and then nothing has changed; or its configuration
// alone by the plugin, which keeps the old one.
func (c *Catalog) Change(ctx context.Context, next Entry) (entry, config error) {
	s, err := c.find(next.Name)
	if err != nil {
		return err, nil
	}
	next = c.opts.complete(next)
	if err := errors.Join(next.check()...); err != nil {
		return err, nil
	}
	if s.change(next) {
		return nil, nil
	}
	return nil, c.Reconfigure(ctx, next.Name, next.Config)
}

// change replaces the entry, and reports whether its configuration is in force as well:
// it is that of the process already, or that of the next one, which is about to be started.
func (s *slot) change(next Entry) (configured bool) {
	defer s.wakeUp()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := *s.entry()
	now.Path, now.SHA256, now.Env, now.Kinds = next.Path, next.SHA256, next.Env, next.Kinds
	now.Timeout, now.timed, now.API = next.Timeout, next.timed, next.API
	s.current.Store(&now)
	s.retryNow = s.machine.awaitsRetry()
	if sameConfig(s.config, next.Config) {
		return true
	}
	if s.instance == nil || !s.outdated(s.instance) {
		return false
	}
	s.config = next.Config
	s.configVersion++
	return true
}

// sameConfig reports whether two configurations look the same to a plugin.
func sameConfig(a, b map[string]any) bool {
	x, errX := structpb.NewStruct(a)
	y, errY := structpb.NewStruct(b)
	return errX == nil && errY == nil && proto.Equal(x, y)
}

// outdated reports whether a process was started for another entry than the one in force,
// in a way that only another process can change. While the checksum of its program is not known,
// that is not such a way.
func (s *slot) outdated(i *instance) bool {
	now, was, sum := s.entry(), i.entry, i.program.known()
	return now != was && (now.Path != was.Path || !slices.Equal(now.Env, was.Env) || !slices.Equal(now.Kinds, was.Kinds) ||
		now.SHA256 != "" && sum != "" && now.SHA256 != sum)
}

// replace ends a process that is outdated, so that the next one is started.
func (s *slot) replace(i *instance) {
	s.opts.Log(mesh.LevelInfo, s.entry().Name, "its entry in meshos.toml has changed: it is started anew")
	s.step(func(m *machine, now time.Time) {
		s.instance = nil
		m.changed(now)
	})
	s.ended(i.stop(s.opts.DrainTimeout))
}
