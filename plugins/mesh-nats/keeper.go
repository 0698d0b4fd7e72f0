package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	keepEvery   = 500 * time.Millisecond
	keepWithin  = 5 * time.Second
	alarmShare  = 0.8
	deduplicate = 10 * time.Minute // an order with an id that was taken is not taken twice
)

// keeper makes the stream of the log if it may, and knows where the log ends.
type keeper struct {
	*hub
	js      jetstream.JetStream
	changed chan struct{} // something to judge

	// majority says that a majority of the seeds hear each other, with this one among them.
	majority atomic.Bool
	records  atomic.Uint64 // see recordsBegin

	lacks struct { // of the log, before this seed's record begins
		last  uint64    // where the log ends
		since time.Time // since when it does
	}
	undropped string // why nothing is dropped, as it was said

	mu     sync.Mutex
	there  bool // the stream
	last   logEnd
	own    logEnd // as this seed read it while it led the log
	first  uint64 // height of the first entry of the log; 0: not known
	full   string // alarm
	failed error
}

func newKeeper(h *hub) *keeper {
	js, err := jetstream.New(h.nc)
	return &keeper{hub: h, js: js, failed: err, changed: make(chan struct{}, 1)}
}

// end returns where the log ends, as far as that is known.
func (k *keeper) end() logEnd {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.last
}

// stored returns where the log ends that this seed leads.
func (k *keeper) stored() logEnd {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.own
}

func (k *keeper) alarm() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.full
}

// clustered reports whether there are other seeds.
func (k *keeper) clustered() bool { return len(k.cfg.Seeds) > 1 }

// leads reports whether entries go to this seed first.
func (k *keeper) leads() bool {
	if k.clustered() {
		return k.srv.JetStreamIsStreamLeader(k.srv.GlobalAccount().GetName(), stream)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.there
}

// logged takes an entry that the log has taken just now.
func (k *keeper) logged(height uint64, entry *meshosv1.LoggedEntry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now, hash := time.Now(), hashOf(entry)
	k.last.took(now, height, hash)
	if k.own.known() {
		k.own.took(now, height, hash)
	}
}

// hear takes what the leading seed says of the log. One that does not hear a majority may lead
// no more, and does not know it yet.
func (k *keeper) hear(by uint64, state *natsv1.LogState, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if state.GetQuorum() && !state.GetUnknown() {
		k.last.said(now, by, state.GetHeight(), state.GetHead(), now.Add(-state.GetAge().AsDuration()))
	}
	k.full = state.GetAlarm()
	if state.GetFirst() > 0 {
		k.first = state.GetFirst()
	}
}

// run looks after the stream until ctx ends.
func (k *keeper) run(ctx context.Context) error {
	if k.failed != nil {
		return k.failed
	}
	var read, sized, cleaned time.Time
	var wanted uint64
	for led := false; sleep(ctx, keepEvery); {
		if err := k.make(ctx); err != nil {
			k.log.Debug("the log can't be made yet", "error", err)
		}
		if time.Since(cleaned) >= 2*k.cfg.beacon() {
			cleaned = time.Now()
			if err := k.dropSeeds(ctx); err != nil {
				k.log.Warn("a seed that is none any more still counts in the cluster of seeds", "error", err)
			}
		}
		if !k.leads() {
			if led {
				k.leadsNoMore()
			}
			led = false
			continue
		}
		now := time.Now()
		if !led {
			led, read = true, time.Time{}
			if k.clustered() { // it may still have to fold what it stored
				continue
			}
		}
		if k.majority.Load() && (read.IsZero() || k.end().doubted(now) > 0 || now.Sub(read) >= k.cfg.beacon()) {
			if err := k.read(ctx); err == nil {
				if read.IsZero() {
					poke(k.changed)
				}
				read = now
			}
		}
		if drop := k.members.Load().dropThrough; drop != wanted {
			wanted, sized = drop, time.Time{}
		}
		if now.Sub(sized) >= k.cfg.beacon() {
			if err := k.look(ctx); err == nil {
				sized = now
			}
		}
	}
	return nil
}

// make makes the stream, if there is none and this node founds the mesh or has a record from
// which the log can be filled up. A seed that knows nothing makes none: it would begin a
// second log where it can't see the first.
func (k *keeper) make(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keepWithin)
	defer cancel()
	if k.clustered() && k.srv.JetStreamIsStreamAssigned(k.srv.GlobalAccount().GetName(), stream) || !k.clustered() && k.leads() {
		return nil
	}
	// The leader of the cluster may know of it, while this seed does not yet.
	names := k.js.StreamNames(ctx)
	for name := range names.Name() {
		if name == stream {
			k.found()
			return nil
		}
	}
	if names.Err() != nil {
		return names.Err()
	}
	if !k.mayCreate.Load() {
		return nil
	}
	if _, err := k.js.CreateStream(ctx, k.config()); err != nil {
		return fmt.Errorf("make the log: %w", err)
	}
	k.log.Info("made an empty log on the seeds")
	k.found()
	return nil
}

func (k *keeper) found() {
	k.mu.Lock()
	k.there = true
	k.mu.Unlock()
	poke(k.changed)
}

func (k *keeper) config() jetstream.StreamConfig {
	c := jetstream.StreamConfig{
		Name: stream, Description: "the ordered log of the mesh", Subjects: []string{logSubject},
		Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage, Replicas: len(k.cfg.Seeds),
		Discard: jetstream.DiscardNew, MaxBytes: k.cfg.MaxLog, MaxMsgs: -1, MaxMsgSize: maxPayload,
		DenyDelete: true, AllowDirect: true, Duplicates: deduplicate,
		RePublish: &jetstream.RePublish{Source: logSubject, Destination: logged},
	}
	if k.clustered() {
		c.Placement = &jetstream.Placement{Tags: []string{"seed"}}
	}
	return c
}

// read reads the end of the log from the store of the seed that leads it: of this one.
func (k *keeper) read(ctx context.Context) error {
	began := time.Now()
	height, hash, err := k.lastStored(ctx)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	k.own.read(now, began, height, hash)
	k.last.said(now, k.id, k.own.height, k.own.hash, k.own.at)
	return nil
}

func (k *keeper) leadsNoMore() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.own = logEnd{}
}

// look looks how full the log is, which seeds have it, and whether the stream is as the
// configuration says.
func (k *keeper) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keepWithin)
	defer cancel()
	s, err := k.js.Stream(ctx, stream)
	if err != nil {
		return err
	}
	info := s.CachedInfo()
	var alarms []string
	if share := float64(info.State.Bytes) / float64(info.Config.MaxBytes); share >= alarmShare {
		alarms = append(alarms, fmt.Sprintf("the log uses %.0f %% of max_log (%d bytes): make a checkpoint with `meshos mesh checkpoint`, so that what is before it can be dropped, or raise it on all seeds", 100*share, info.Config.MaxBytes))
	}
	if lacks := k.lacking(info.Cluster); lacks != "" {
		alarms = append(alarms, lacks)
	}
	alarm := strings.Join(alarms, "; ")
	k.mu.Lock()
	changed := k.full != alarm
	changed = changed || k.first != info.State.FirstSeq
	k.full, k.first = alarm, max(1, info.State.FirstSeq)
	k.mu.Unlock()
	if changed {
		poke(k.changed)
	}
	why := ""
	if err := k.shorten(ctx, s); err != nil {
		why = err.Error()
	}
	if why != "" && why != k.undropped {
		k.log.Warn("the beginning of the log can't be dropped", "error", why)
	}
	k.undropped = why
	if info.Config.Replicas == len(k.cfg.Seeds) && info.Config.MaxBytes == k.cfg.MaxLog {
		return nil
	}
	config := k.config()
	config.DenyPurge = info.Config.DenyPurge // can't be taken back
	if _, err := k.js.UpdateStream(ctx, config); err != nil {
		return fmt.Errorf("change the log's limits: %w", err)
	}
	return nil
}

// lacking returns which seeds do not have the whole log, or "". While that is so, others must not
// be stopped: of a majority without the log none can lead.
func (k *keeper) lacking(cluster *jetstream.ClusterInfo) string {
	if !k.clustered() || cluster == nil {
		return ""
	}
	var names []string
	have := 1
	for _, replica := range cluster.Replicas {
		if replica.Current && !replica.Offline {
			have++
		} else if id := seedOf(replica.Name); id != 0 {
			names = append(names, k.nameOf(id))
		}
	}
	seeds := len(k.cfg.Seeds)
	if have >= seeds {
		return ""
	}
	slices.Sort(names)
	who := ""
	if len(names) > 0 {
		who = " (not " + strings.Join(names, ", ") + ")"
	}
	return fmt.Sprintf("%d of %d seeds have the whole log%s: it takes nothing if fewer than %d are left", have, seeds, who, seeds/2+1)
}
