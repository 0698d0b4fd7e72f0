package process

import (
	"encoding/json"
	"slices"
)

// adoptions returns what earlier watchers had started, and what they had adopted, in lists that
// fit into a message each.
func (w *watchedForker) adoptions() (first []Identity, rest [][]Identity) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Identity
	for _, c := range w.children {
		if c.handle != nil {
			all = append(all, c.handle.id)
		}
	}
	lists := slices.Collect(slices.Chunk(append(all, w.strays...), maxOrphans))
	if len(lists) == 0 {
		return nil, nil
	}
	return lists[0], lists[1:]
}

func (w *watchedForker) adopt(conn *messages, ids []Identity) {
	if len(ids) == 0 {
		return
	}
	text, err := json.Marshal(request{Adopt: ids})
	if err == nil {
		err = conn.send(text, watcherPatience)
	}
	if err != nil {
		w.log.Error("the new watcher does not know what runs already", "error", err)
	}
}

// orphan notes that the watcher is gone.
func (w *watchedForker) orphan() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.up = make(chan struct{})
	w.strays = slices.DeleteFunc(append(w.strays, w.orphans...), func(id Identity) bool { return ended(id.PID) })
	w.orphans = nil
	for id, c := range w.children {
		if c.handle == nil {
			delete(w.children, id)
			c.started <- errWatcherGone
			continue
		}
		c.orphan()
	}
}
