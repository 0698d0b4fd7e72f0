package intake

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/meshos/meshos/host/catalog/pluginlog"
	"github.com/meshos/meshos/host/mesh"
)

// KindLogBudget is the kind of refusal of a line for the node's log whose source has
// brought too many.
const KindLogBudget = "log_budget"

// lines limits the lines for the node's log that come as events: each source has the
// budget that a plugin has on stderr.
type lines struct {
	now func() time.Time

	mu      sync.Mutex
	budgets map[string]*lineBudget // by who says them
}

type lineBudget struct {
	limit      *rate.Limiter
	suppressed int // not reported yet
}

// admit reports whether a source may bring one more line, and counts it as suppressed if
// not.
func (l *lines) admit(source string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.budgets == nil {
		l.budgets = make(map[string]*lineBudget)
	}
	b := l.budgets[source]
	if b == nil {
		b = &lineBudget{limit: rate.NewLimiter(pluginlog.LinesPerSecond, pluginlog.LinesAtOnce)}
		l.budgets[source] = b
	}
	if b.limit.AllowN(l.now(), 1) {
		return true
	}
	b.suppressed++
	return false
}

// takeReports returns a line about each source whose lines were suppressed since the last
// call.
func (l *lines) takeReports() (out []mesh.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, source := range slices.Sorted(maps.Keys(l.budgets)) {
		b := l.budgets[source]
		if b.suppressed == 0 {
			continue
		}
		out = append(out, mesh.LogLine{
			Level: mesh.LevelWarn, Source: source,
			Message: fmt.Sprintf("%d lines suppressed: more than %d a second", b.suppressed, pluginlog.LinesPerSecond),
		})
		b.suppressed = 0
	}
	return out
}

// tooManyLines is the verdict on a line that was suppressed.
func tooManyLines() mesh.Verification {
	return mesh.Verification{
		Verdict: mesh.VerdictRejected, Kind: KindLogBudget,
		Message: fmt.Sprintf("more than %d lines a second for the node's log; the node's log says how many were left out", pluginlog.LinesPerSecond),
	}
}
