package resolve

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

const (
	interval = time.Minute
	// lookupTimeout is how long the lookup of a name may take. A resolver asks twice within it
	// if the first question gets lost.
	lookupTimeout = 10 * time.Second
	lookupsAtOnce = 32
	// quiet is how often changes are said at most, and settle how long the first of them waits
	// for others.
	quiet  = time.Second
	settle = 50 * time.Millisecond
)

// Options are what a resolver gets.
type Options struct {
	Lookup LookupFunc
	Grace  time.Duration // how long the addresses of a name that is gone count
}

// Known is what is known of a name.
type Known struct {
	Name
	State
}

// Resolver looks names up. All methods may be called from any goroutine; Run only once.
type Resolver struct {
	opts  Options
	wake  chan struct{} // has a token when the table may have an earlier name
	dirty chan struct{} // has a token when there are changes

	mu      sync.Mutex
	table   *table
	changes []Change // that Changed was not told, in the order in which they came
	counts  Counts
	version uint64 // grows with every change
}

// Counts are how many lookups ended how. A name whose two families were looked up counts once.
type Counts struct{ Found, NoSuchName, Failed uint64 }

// New returns a resolver without names.
func New(o Options) *Resolver {
	return &Resolver{
		opts: o, wake: make(chan struct{}, 1), dirty: make(chan struct{}, 1),
		table: newTable(interval, o.Grace, jitter),
	}
}

// jitter moves an interval by up to a tenth.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + time.Duration(rand.Int64N(int64(d)/5+1)) // #nosec G404: it spreads load
}

// Want replaces the names. What is known of those that stay is kept.
func (r *Resolver) Want(names []Name) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.table.want(time.Now(), names)
	r.version++
	token(r.wake)
}

// Version returns a number that grows whenever something changes in what State and All return.
func (r *Resolver) Version() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.version
}

// State returns what is known of a name. It is that of a name whose lookup has not ended for
// one that nobody wants.
func (r *Resolver) State(name Name) State {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.table.names[name]; e != nil {
		return e.state
	}
	return State{}
}

// All returns every name and what is known of it, sorted by host and family.
func (r *Resolver) All() []Known {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Known, 0, len(r.table.names))
	for name, e := range r.table.names {
		out = append(out, Known{name, e.state})
	}
	slices.SortFunc(out, func(a, b Known) int {
		if c := strings.Compare(a.Name.Host, b.Name.Host); c != 0 {
			return c
		}
		return int(a.Name.Family) - int(b.Name.Family)
	})
	return out
}

// Counts returns how many lookups have ended how.
func (r *Resolver) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts
}

// Run looks names up until ctx ends. It calls changed after addresses or states of names
// changed, at most once a second and never twice at once; that may take its time, as lookups go
// on. When Run returns, no lookup is running any more.
func (r *Resolver) Run(ctx context.Context, changed func(ctx context.Context, changes []Change)) {
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	running.Go(func() { r.say(ctx, changed) })
	slots := make(chan struct{}, lookupsAtOnce)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		e := r.next(ctx, timer)
		if e == nil {
			return
		}
		running.Go(func() {
			defer func() { <-slots }()
			r.lookup(ctx, e)
		})
	}
}

// next waits for the next name that is due, and drops meanwhile what is over. It returns nil
// when ctx has ended.
func (r *Resolver) next(ctx context.Context, timer *time.Timer) *entry {
	for {
		now := time.Now()
		r.mu.Lock()
		over, wake := r.table.expire(now)
		for _, c := range over {
			r.changed(c)
		}
		e, due := r.table.next(now)
		r.mu.Unlock()
		if e != nil {
			return e
		}
		if wake.IsZero() || !due.IsZero() && due.Before(wake) {
			wake = due
		}
		timer.Stop()
		if !wake.IsZero() {
			timer.Reset(max(wake.Sub(now), time.Millisecond))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		case <-timer.C:
		}
	}
}

// lookup looks a name up, its families at the same time.
func (r *Resolver) lookup(ctx context.Context, e *entry) {
	limited, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	var v6, v4 *Answer
	var both sync.WaitGroup
	for _, f := range []struct {
		family mesh.Family
		at     **Answer
	}{{mesh.FamilyIPv6, &v6}, {mesh.FamilyIPv4, &v4}} {
		if e.name.Family == mesh.FamilyUnknown || e.name.Family == f.family {
			both.Go(func() {
				answer := r.opts.Lookup(limited, e.name.Host, f.family)
				*f.at = &answer
			})
		}
	}
	both.Wait()
	if ctx.Err() != nil {
		return // the end; the error is not one of the name
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.table.answered(time.Now(), e, v6, v4)
	switch e.state.Lookup {
	case Found:
		r.counts.Found++
	case NoSuchName:
		r.counts.NoSuchName++
	case Failed:
		r.counts.Failed++
	}
	if !e.dropped && (before.Lookup != e.state.Lookup || before.Reason != e.state.Reason || !slices.Equal(before.Addresses, e.state.Addresses)) {
		r.changed(Change{Name: e.name, Before: before, After: e.state})
	}
	token(r.wake)
}

// changed notes a change. The caller holds mu.
func (r *Resolver) changed(c Change) {
	r.version++
	r.changes = append(r.changes, c)
	token(r.dirty)
}

// say says what changed until ctx ends.
func (r *Resolver) say(ctx context.Context, changed func(ctx context.Context, changes []Change)) {
	for {
		select {
		case <-r.dirty:
		case <-ctx.Done():
			return
		}
		if !sleep(ctx, settle) {
			return
		}
		r.mu.Lock()
		changes := r.changes
		r.changes = nil
		r.mu.Unlock()
		if len(changes) > 0 {
			changed(ctx, changes)
		}
		if !sleep(ctx, quiet) {
			return
		}
	}
}

// sleep reports whether so much time has gone before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func token(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
