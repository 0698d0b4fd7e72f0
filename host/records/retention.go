package records

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/age"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/internal/readfile"
)

const (
	// retainEvery is how often files that are too old or too much are dropped.
	retainEvery = 10 * time.Second
	// keepClockEvery is how often it is kept on disk until when the node ran.
	keepClockEvery = 10 * time.Minute
	// clockName is the file of the clock's state, beside the folders of the chains.
	clockName = "clock"
)

// retention drops what is too much or too old. It belongs to the writer's goroutine.
type retention struct {
	logs     perChain[*durable.Log]
	path     string // of the clock's file; "" for none
	keepSize int64
	keepAge  time.Duration
	now      func() time.Time
	elapsed  func() time.Duration
	log      *slog.Logger
	report   func(reason string) // makes a failure record
	say      func(line string)   // makes a log record

	clock *age.Clock    // nil until the first run
	kept  time.Duration // when its state was kept on disk
	stale bool          // it has changed since
}

// run drops what is due.
func (k *retention) run() {
	k.look()
	now := k.now()
	for _, c := range allChains() {
		log := k.logs[c]
		allowed := 0
		if k.keepAge > 0 {
			allowed = k.clock.Allowed(c.String(), log.Files())
		}
		dropped, err := log.Retain(now, allowed)
		for _, d := range dropped {
			if d.Reason == durable.ForAge {
				k.clock.Dropped(c.String(), d.Files)
				k.stale = true
			}
			k.say(k.describe(c, d))
		}
		if err != nil {
			k.log.Warn("old records were not dropped", "chain", c.String(), "error", err)
		}
	}
	if k.stale || k.elapsed()-k.kept >= keepClockEvery {
		k.keep()
	}
}

// look compares the clocks, and says what that shows.
func (k *retention) look() {
	var jump *age.Jump
	var resumed bool
	if k.clock == nil {
		k.clock, jump = age.Start(k.keepAge, k.load(), k.newest(), k.now(), k.elapsed())
		k.stale = true
	} else {
		jump, resumed = k.clock.Look(k.now(), k.elapsed())
	}
	if jump != nil {
		k.log.Warn("the wall clock jumped", "from", jump.From, "to", jump.To)
		k.report(jump.String())
	}
	if resumed {
		k.say("the wall clock has run on for a day: records are dropped for their age again")
	}
	k.stale = k.stale || jump != nil || resumed
}

// newest returns the time of the newest record of all chains.
func (k *retention) newest() (newest time.Time) {
	for _, c := range allChains() {
		if t := k.logs[c].Newest(); t.After(newest) {
			newest = t
		}
	}
	return newest
}

func (k *retention) describe(c mesh.RecordChain, d durable.Dropped) string {
	files := "1 file"
	if d.Files != 1 {
		files = fmt.Sprintf("%d files", d.Files)
	}
	what := fmt.Sprintf("dropped %s of %s records (numbers %d to %d, %d bytes, the newest of %s): ",
		files, c, d.First, d.Last, d.Bytes, d.Newest.UTC().Format(time.RFC3339))
	if d.Reason == durable.ForSize {
		return what + fmt.Sprintf("the chain was larger than records.keep_size (%d bytes)", k.keepSize)
	}
	return what + fmt.Sprintf("they are older than records.keep_age (%s)", k.keepAge)
}

// load reads the clock's state. Without it the clock is compared with the newest record.
func (k *retention) load() (s age.State) {
	if k.path == "" {
		return s
	}
	raw, err := readfile.Read(k.path, readfile.MaxText)
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			k.log.Warn("until when the node ran can't be read; its newest record tells", "file", k.path, "error", err)
		}
		return age.State{}
	}
	return s
}

// keep writes the clock's state to disk. If that fails, the next run tries again.
func (k *retention) keep() {
	if k.path == "" || k.clock == nil {
		return
	}
	raw, err := json.MarshalIndent(k.clock.State(), "", "  ")
	if err == nil {
		err = renameio.WriteFile(k.path, append(raw, '\n'), 0o600, renameio.WithTempDir(filepath.Dir(k.path)))
	}
	if err != nil {
		k.log.Debug("until when the node ran was not kept on disk", "error", err)
		return
	}
	k.kept, k.stale = k.elapsed(), false
}
