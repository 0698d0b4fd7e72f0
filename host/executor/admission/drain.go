package admission

import (
	"fmt"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

const (
	drainWindow = time.Second            // what the rate is counted over
	drainRetry  = 100 * time.Millisecond // how long to wait when it is full
)

// window is the blobs that were sent on their way within the last second, oldest
// first.
type window struct {
	rate int
	sent []sending
}

type sending struct {
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
	w.sent = append(w.sent, sending{id, now})
	return Decision{Verdict: Admit}
}

func (w *window) release(id mesh.ActionID) {
	if i := slices.IndexFunc(w.sent, func(s sending) bool { return s.id == id }); i >= 0 {
		w.sent = slices.Delete(w.sent, i, i+1)
	}
}

// tick forgets what is a second old.
func (w *window) tick(now mesh.Time) {
	w.sent = slices.DeleteFunc(w.sent, func(s sending) bool { return s.at <= now.Add(-drainWindow) })
}
