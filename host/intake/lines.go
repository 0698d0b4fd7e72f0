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
	"github.com/meshos/meshos/internal/logkinds"
)

// KindLogBudget is the kind of refusal of a line for the node's log whose source has
// brought too many.
const KindLogBudget = "log_budget"

// lines limits the lines for the node's log that come as events: each source has the
// budget that a plugin has on stderr, and lines of one kind of a plugin are counted together
// as there.
type lines struct {
	now func() time.Time

	mu      sync.Mutex
	budgets map[string]*lineBudget // by who says them
}

type lineBudget struct {
	limit      *rate.Limiter
	suppressed int // not reported yet
	kinds      logkinds.Counter
}

// fate is what becomes of a line.
type fate uint8

const (
	passed     fate = iota // to the log
	counted                // with others of its kind
	suppressed             // there were too many
)

// admit says what becomes of one more line of a source.
func (l *lines) admit(from Source, line mesh.LogLine) fate {
	l.mu.Lock()
	defer l.mu.Unlock()
	source := from.Lines
	if l.budgets == nil {
		l.budgets = make(map[string]*lineBudget)
	}
	b := l.budgets[source]
	if b == nil {
		b = &lineBudget{limit: rate.NewLimiter(pluginlog.LinesPerSecond, pluginlog.LinesAtOnce)}
		l.budgets[source] = b
	}
	if from.Grant != nil && line.Daemon == 0 && !b.kinds.Add(l.now(), logkinds.Line{Level: int(line.Level), Message: line.Message}) {
		return counted
	}
	if b.limit.AllowN(l.now(), 1) {
		return passed
	}
	b.suppressed++
	return suppressed
}

// takeReports returns lines about each source whose lines were counted or suppressed since
// the last call, as far as they are due or there will be no other call. more reports that some
// are not due yet.
func (l *lines) takeReports(last bool) (out []mesh.Event, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, source := range slices.Sorted(maps.Keys(l.budgets)) {
		b := l.budgets[source]
		due := b.kinds.Due(l.now())
		if last {
			due = append(due, b.kinds.Flush()...)
		}
		for _, line := range due {
			out = append(out, mesh.LogLine{Level: mesh.LogLevel(line.Level), Source: source, Message: line.Message})
		}
		more = more || b.kinds.Waiting()
		if b.suppressed == 0 {
			continue
		}
		out = append(out, mesh.LogLine{
			Level: mesh.LevelWarn, Source: source,
			Message: fmt.Sprintf("%d lines suppressed: more than %d a second", b.suppressed, pluginlog.LinesPerSecond),
		})
		b.suppressed = 0
	}
	return out, more
}

// tooManyLines is the verdict on a line that was suppressed.
func tooManyLines() mesh.Verification {
	return mesh.Verification{
		Verdict: mesh.VerdictRejected, Kind: KindLogBudget,
		Message: fmt.Sprintf("more than %d lines a second for the node's log; the node's log says how many were left out", pluginlog.LinesPerSecond),
	}
}
