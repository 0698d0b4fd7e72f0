package chain

import (
	"fmt"
	"strings"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// missed counts the records of one chain that an appender will never get, until
// they are reported.
type missed struct {
	overrun, tooLarge uint64
	last              time.Time // of the last report
}

// due says whether to report them now. One report covers all that were missed
// since the last one.
func (m *missed) due(now time.Time) bool {
	return m.overrun+m.tooLarge > 0 && (m.last.IsZero() || now.Sub(m.last) >= reportEvery)
}

// told notes that they were reported.
func (m *missed) told(now time.Time) { *m = missed{last: now} }

// reason says it in words.
func (m *missed) reason(appender string, c mesh.RecordChain) string {
	var why []string
	if m.overrun > 0 {
		why = append(why, fmt.Sprintf("%d left the node's memory before it took them", m.overrun))
	}
	if m.tooLarge > 0 {
		why = append(why, fmt.Sprintf("%d too large for a call", m.tooLarge))
	}
	what := "records"
	if m.overrun+m.tooLarge == 1 {
		what = "record"
	}
	return fmt.Sprintf("%s will never get %d %s %s: %s", appender, m.overrun+m.tooLarge, c, what, strings.Join(why, ", "))
}
