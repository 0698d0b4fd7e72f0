package meshlink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/meshos/meshos/internal/backoff"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// again is how long to wait before a part of the conversation that failed is begun again.
var again = backoff.Doubling{First: 100 * time.Millisecond, Max: 5 * time.Second}

// lasted is how long a part has to go on for the failures before it not to count any more.
const lasted = 10 * time.Second

// errMembers ends the conversation, since the plugin does not know the members.
var errMembers = errors.New("the plugin could not be told who belongs to the mesh")

// talk talks with a plugin until ctx ends.
func (l *Link) talk(ctx context.Context, p Plugin) {
	defer l.setLink(nil)
	for ctx.Err() == nil {
		renewed := p.Renewed()
		session, end := context.WithCancelCause(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			select {
			case <-renewed:
				end(nil)
			case <-session.Done():
			}
		}()
		if l.tellMembers(session, p, renewed) {
			l.parts(session, p)
		}
		end(nil)
		<-ended
		l.setLink(nil)
	}
}

// tellMembers says who belongs to the mesh, before anything else is said. It returns false if
// the session ended first.
func (l *Link) tellMembers(ctx context.Context, p Plugin, renewed <-chan struct{}) bool {
	for failed := 0; ctx.Err() == nil; {
		err := p.SetMembers(ctx, l.opts.Record.Members())
		if err == nil {
			l.over("members")
			return true
		}
		failed++
		if failed > 1 && !errors.Is(err, ErrAway) {
			l.outage("members", fmt.Errorf("%w: %w", errMembers, err))
		}
		pause(ctx, again.After(failed), renewed)
	}
	return false
}

// parts runs the parts of the conversation until ctx ends, and waits for all of them.
func (l *Link) parts(ctx context.Context, p Plugin) {
	var all sync.WaitGroup
	run := func(name string, part func(context.Context, Plugin) error) {
		all.Go(func() { l.repeat(ctx, p, name, part) })
	}
	run("follow", l.follow)
	run("serve", l.serve)
	run("members", l.members)
	all.Go(func() { newTeller(l, p).run(ctx) })
	all.Wait()
}

// repeat runs a part again and again until ctx ends. An outage is reported once, however
// often the part fails in it.
func (l *Link) repeat(ctx context.Context, p Plugin, name string, part func(context.Context, Plugin) error) {
	for failed := 0; ctx.Err() == nil; {
		began := time.Now()
		err := part(ctx, p)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) >= lasted {
			failed = 0
			l.over(name)
		}
		failed++
		if err == nil {
			err = errors.New("the plugin ended it")
		}
		l.outage(name, err)
		pause(ctx, again.After(failed), nil)
	}
}

// outage reports that a part of the conversation fails, once until it is over.
func (l *Link) outage(name string, err error) {
	if errors.Is(err, ErrAway) {
		return
	}
	l.mu.Lock()
	known := l.outages[name]
	l.outages[name] = true
	l.mu.Unlock()
	if !known {
		l.opts.Report("mesh:"+name, err.Error()+"; it is begun again, and this is not reported again until it has lasted")
	}
}

// over notes that a part of the conversation works again.
func (l *Link) over(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.outages, name)
}

// pause waits for a time, or until ctx ends or something comes.
func pause(ctx context.Context, d time.Duration, or <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-or:
	case <-ctx.Done():
	}
}

// follow follows the log and the other nodes from the end of the record on.
func (l *Link) follow(ctx context.Context, p Plugin) error {
	for {
		begun := l.opts.Record.Begun()
		height, head := l.opts.Record.End()
		l.peers.streamBegins()
		err := l.followFrom(ctx, p, &pluginv1.FollowRequest{Height: height, Head: head, First: l.opts.Record.First()}, begun)
		select {
		case <-begun:
			if ctx.Err() == nil {
				continue
			}
		default:
		}
		return err
	}
}

// followFrom follows until the record goes on elsewhere.
func (l *Link) followFrom(ctx context.Context, p Plugin, from *pluginv1.FollowRequest, begun <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-begun:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := p.Follow(ctx, from, l.take)
	cancel()
	<-ended
	return err
}

// take takes one batch of what is new. Who belongs to the mesh comes with the log, so entries
// are folded before what is said of their nodes. How the log is counts also if an entry is
// refused: it may say that the log really has that.
func (l *Link) take(ctx context.Context, b *pluginv1.MeshBatch) error {
	var refused error
	if len(b.GetOrdered()) > 0 {
		if refused = l.opts.Record.Take(ctx, b.GetOrdered()); refused == nil {
			l.over("follow")
		}
	}
	if b.GetLink() != nil {
		l.setLink(b.GetLink())
	}
	if refused != nil {
		return refused
	}
	l.peers.said(b.GetPeers(), b.GetPeersComplete())
	if len(b.GetJoining()) > 0 {
		l.opts.Record.Joining(b.GetJoining())
	}
	for _, f := range b.GetFailures() {
		l.opts.Report("mesh:"+f.GetSource(), f.GetReason())
	}
	return nil
}

// members tells the plugin whenever others belong to the mesh.
func (l *Link) members(ctx context.Context, p Plugin) error {
	var told *pluginv1.SetMembersRequest
	for {
		changed := l.opts.Record.Changed()
		if now := l.opts.Record.Members(); now != told {
			if err := p.SetMembers(ctx, now); err != nil {
				return err
			}
			told = now
			l.over("members")
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
