package operator

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/unwritable"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// How many signatures a second are verified for one origin, and for the local one; twice as
// many at once. 500 take about 3 % of one core.
const (
	verifiesPerSecond      = 500
	verifiesPerSecondLocal = 4000
)

// Options configure an Authorizer.
type Options struct {
	Node   mesh.NodeID // this one
	Policy rules.Policy
	// Signers is the path of the allowed_signers file; "" for a node that accepts
	// every command unverified.
	Signers string
	// AllowUnsigned lets ordinary orders pass without a signature although there are
	// operators.
	AllowUnsigned bool
	// Local is the origin of those who may use the node's socket; more of their signatures are
	// verified than of others'.
	Local string
	// DataDir is the node's data directory; the authorizer keeps a folder of its own in it.
	DataDir string
	// AuditFull reports whether the node's audit log takes no more ordinary commands;
	// nil means never.
	AuditFull func() bool
	// Now is the wall clock.
	Now func() time.Time
	Log *slog.Logger
}

// Authorizer judges the commands that reach a node and remembers what it accepted. It
// is safe for concurrent use.
type Authorizer struct {
	opts       Options
	store      *store
	freezeLeft time.Duration // how long a freeze still had to last at Open

	mu       sync.Mutex
	set      *signers.Set // nil without operators
	unread   error        // why the file of signers was never read; nil once it was
	policy   rules.Policy // that of the options, or of the mesh
	inMesh   bool
	memory   *memory
	issued   issued
	limits   map[string]*rate.Limiter // by origin
	counts   map[string]uint64        // by kind of rejection, and under "accepted" and "unverified"
	inFlight int                      // accepted commits that change the freeze and are not folded yet
	settled  uint64                   // the audit record of the last such commit that was folded
	pruned   time.Time                // when memory was last pruned
	retried  time.Time                // when observe last retried a failed write
	found    names                    // what Names returned last
}

// Open reads the signers' file and the authorizer's folder. A damaged signers' file is
// an error, a *signers.Damage. One that can't be read in time is not: the node has daemons
// to run, and every command is rejected until ReloadSigners reads it. Damage in the memory is logged, and all commands that
// were issued before now are rejected: they may have been accepted already.
func Open(opts Options) (*Authorizer, error) {
	a := &Authorizer{opts: opts, policy: opts.Policy, memory: newMemory(), limits: make(map[string]*rate.Limiter), counts: make(map[string]uint64)}
	if opts.Signers != "" {
		set, err := signers.Load(opts.Signers)
		switch {
		case late(err):
			set, a.unread = &signers.Set{}, err
			opts.Log.Error("the file of signers can't be read: every command is rejected until it is, at SIGHUP", "error", err)
		case err != nil:
			return nil, err
		case len(set.Entries()) == 0:
			opts.Log.Warn("the file of signers names nobody: every command is rejected", "file", opts.Signers)
		}
		a.set = set
	}
	dir := filepath.Join(opts.DataDir, "operator")
	entries, bad, err := loadStore(dir)
	if err != nil {
		return nil, err
	}
	now := opts.Now()
	for _, e := range entries {
		a.memory.take(e)
	}
	if len(bad) > 0 {
		floor := now.Add(opts.Policy.FutureSkew)
		a.memory.take(entry{Floor: floor.UnixMilli()})
		for _, d := range bad {
			opts.Log.Error("the memory of accepted commands is damaged; what the line said is lost",
				"file", filepath.Join(dir, storeName), "line", d.Line, "cut off", d.Torn,
				"so", fmt.Sprintf("commands issued up to %s are rejected as replayed", rules.Stamp(floor)))
		}
	}
	a.memory.prune(opts.Policy, now)
	a.pruned = now
	a.freezeLeft = a.memory.frozen(now)
	if a.store, err = openStore(dir, a.entries); err != nil {
		if !unwritable.Is(err) {
			return nil, err
		}
		// A machine that starts with a disk that is full or read-only still has daemons to run.
		opts.Log.Error("the node can't write to disk which commands it accepts; until it can, it accepts only thaw_cluster", "error", err)
	}
	return a, nil
}

// late reports whether a file could not be read because what it is on does not answer.
func late(err error) bool {
	var slow interface{ Timeout() bool }
	return errors.As(err, &slow) && slow.Timeout() || errors.Is(err, unix.EIO) || errors.Is(err, unix.ESTALE)
}

// Unreadable returns why the file of signers was never read; nil if it was, or if there is
// none.
func (a *Authorizer) Unreadable() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.unread
}

func (a *Authorizer) checkUnread() *rules.Rejection {
	if err := a.Unreadable(); err != nil {
		return rules.Reject(rules.KindUnreadable, "who may command this node is not known: %v; make the file readable and send SIGHUP, or run `meshos reload`", err)
	}
	return nil
}

func (a *Authorizer) entries() []entry {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.memory.entries()
}

// Close closes the authorizer's file.
func (a *Authorizer) Close() error { return a.store.close() }

// FreezeRemaining returns how long a freeze still had to last at Open.
func (a *Authorizer) FreezeRemaining() time.Duration { return a.freezeLeft }

// HasOperators reports whether commands have to be signed: there is a file of signers, or the
// mesh has operators.
func (a *Authorizer) HasOperators() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.inMesh {
		return a.set != nil
	}
	return a.opts.Signers != ""
}

func (a *Authorizer) rules() rules.Policy {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.policy
}

// CountPassedFull is the key under which Counts returns the break-glass commands that
// passed although the audit log was full.
const CountPassedFull = "passed_audit_full"

// Counts returns how many commands were judged so far, by kind of rejection, and
// under "accepted" and "unverified". CountPassedFull counts some of these again.
func (a *Authorizer) Counts() map[string]uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.counts)
}

// ReloadSigners reads the signers' file again and returns what changed. After an error
// the signers in force stay. It must not be called concurrently: a change would be
// returned twice.
func (a *Authorizer) ReloadSigners() ([]signers.Change, error) {
	if a.opts.Signers == "" {
		return nil, nil
	}
	next, err := signers.Load(a.opts.Signers)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	before := a.set
	if a.inMesh {
		next = before // the log of the mesh says who they are
	}
	a.set, a.unread = next, nil
	a.mu.Unlock()
	if next == nil {
		return nil, nil
	}
	return signers.Changes(before, next), nil
}

// Simulate returns what a break-glass command would do, as far as a snapshot shows, and
// the hash of that. It remembers the hash: a command may name it within freshness.
func (a *Authorizer) Simulate(s *snapshot.Snapshot, ev mesh.AdminEvent) (*meshosv1.BlastRadius, [rules.HashSize]byte, error) {
	radius, err := Simulate(s, ev)
	if err != nil {
		return nil, [rules.HashSize]byte{}, err
	}
	hash, err := Hash(radius)
	if err != nil {
		return nil, [rules.HashSize]byte{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.issued.remember(hash, ev, a.opts.Now())
	return radius, hash, nil
}

// limiter returns the token bucket of an origin. There are few origins: the host names them.
func (a *Authorizer) limiter(origin string) *rate.Limiter {
	l := a.limits[origin]
	if l == nil {
		n := verifiesPerSecond
		if origin == a.opts.Local {
			n = verifiesPerSecondLocal
		}
		l = rate.NewLimiter(rate.Limit(n), 2*n)
		a.limits[origin] = l
	}
	return l
}
