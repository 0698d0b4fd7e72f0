package admission

import (
	"fmt"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

const (
	drainWindow = time.Second            // over which the rate is counted
	drainRetry  = 100 * time.Millisecond // how long to wait when the rate is used up
)

// window holds the blobs whose migration was admitted within the last second, oldest
// first.
type window struct {
	rate int
	sent []admitted
}

type admitted struct {
	id mesh.ActionID
	at mesh.Time
}

func (w *window) decide(id mesh.ActionID, now mesh.Time) Decision {
	if len(w.sent) >= w.rate {
		return Decision{
			Verdict: Defer, After: drainRetry,
			Reason: fmt.Sprintf("the drain_rate of %d blobs a second is used up", w.rate),
		}
	}
	w.sent = append(w.sent, admitted{id, now})
	return Decision{Verdict: Admit}
}

func (w *window) release(id mesh.ActionID) {
	if i := slices.IndexFunc(w.sent, func(a admitted) bool { return a.id == id }); i >= 0 {
		w.sent = slices.Delete(w.sent, i, i+1)
	}
}

// expire forgets what was admitted a second ago or earlier.
func (w *window) expire(now mesh.Time) {
	w.sent = slices.DeleteFunc(w.sent, func(a admitted) bool { return a.at <= now.Add(-drainWindow) })
}
