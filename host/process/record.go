package process

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// record is the file that names the processes that the next Spawner has to end, should this
// one and its watcher both be killed. It is not synced to the disk: after a power cut the
// processes are gone too.
type record struct {
	path string
	log  *slog.Logger

	mu      sync.Mutex
	content recorded
	failed  bool // the last write did
}

// recorded is the content of a record.
type recorded struct {
	Watcher   Identity   `json:"watcher"`
	Processes []Identity `json:"processes"`
	Orphans   []Identity `json:"orphans"`
}

// sweepPatience is how long an earlier watcher may take to end what it watched over.
const sweepPatience = 3 * time.Second

// sweep ends what is left of an earlier Spawner.
func (r *record) sweep() {
	text, err := os.ReadFile(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var left recorded
	if err == nil {
		err = json.Unmarshal(text, &left)
	}
	if err != nil {
		r.log.Warn("what an earlier run left behind is not known", "error", err)
		return
	}
	boot, err := BootID()
	if err != nil {
		return
	}
	// Its watcher is perhaps busy with it.
	for late := time.Now().Add(sweepPatience); time.Now().Before(late); time.Sleep(endPoll) {
		if now, err := Identify(left.Watcher.PID); err != nil || !now.is(left.Watcher) || ended(left.Watcher.PID) {
			break
		}
	}
	var roots []Identity
	for _, id := range slices.Concat(left.Processes, left.Orphans, []Identity{left.Watcher}) {
		if !id.Here() || id.PID <= 1 {
			continue
		}
		if now, err := Identify(id.PID); errors.Is(err, ErrGone) || err == nil && now.is(id) {
			roots = append(roots, id) // or at least its session is still its own
		}
	}
	killed, still := killFamilies(boot, roots, time.Now().Add(sweepPatience), 0)
	if len(killed) > 0 {
		r.log.Warn("processes of an earlier run were left behind and have been killed", "pids", killed)
	}
	if len(still) > 0 {
		r.log.Error("processes of an earlier run hang in the kernel and can't be killed", "pids", still)
	}
}

// ended reports whether a process is a zombie or gone.
func ended(pid int) bool {
	s, err := readStat(pid)
	return err != nil || s.dead()
}

func (r *record) setWatcher(id Identity) {
	r.change(func(c *recorded) { c.Watcher = id })
}

func (r *record) setOrphans(ids []Identity) {
	r.change(func(c *recorded) { c.Orphans = ids })
}

func (r *record) add(id Identity) {
	r.change(func(c *recorded) { c.Processes = append(c.Processes, id) })
}

func (r *record) remove(id Identity) {
	r.change(func(c *recorded) {
		c.Processes = slices.DeleteFunc(c.Processes, func(other Identity) bool { return other == id })
	})
}

// change changes the record, on the disk too. A disk that is full keeps nothing from running.
func (r *record) change(change func(*recorded)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.content)
	text, err := json.Marshal(r.content)
	if err == nil {
		err = os.WriteFile(r.path+".next", append(text, '\n'), 0o600)
	}
	if err == nil {
		err = os.Rename(r.path+".next", r.path)
	}
	if err != nil && !r.failed {
		r.log.Warn("running processes can't be recorded; the next run would not find what is left of them", "error", err)
	}
	r.failed = err != nil
}

// close removes the record: nothing is left.
func (r *record) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range r.content.Processes {
		if !ended(id.PID) {
			return // the next run tries again
		}
	}
	if err := os.Remove(r.path); err != nil && !errors.Is(err, syscall.ENOENT) && !r.failed {
		r.log.Warn("the record of running processes can't be removed", "error", err)
	}
}
