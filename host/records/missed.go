package records

import (
	"fmt"
	"strings"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// missed counts the records of one chain that are lost, or that an appender will
// never get, until they are reported.
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

// reason says in words what an appender will never get.
func (m *missed) reason(appender string, c mesh.RecordChain) string {
	return fmt.Sprintf("%s will never get %d %s: %s", appender, m.overrun+m.tooLarge, m.what(c),
		m.why("%d not kept any more when it was ready for them"))
}

// lost says in words what will never be on disk.
func (m *missed) lost(c mesh.RecordChain) string {
	return fmt.Sprintf("%d %s lost: %s", m.overrun+m.tooLarge, m.what(c), m.why("%d left the node's memory before they could be written"))
}

func (m *missed) what(c mesh.RecordChain) string {
	if m.overrun+m.tooLarge == 1 {
		return c.String() + " record"
	}
	return c.String() + " records"
}

func (m *missed) why(overrun string) string {
	var why []string
	if m.overrun > 0 {
		why = append(why, fmt.Sprintf(overrun, m.overrun))
	}
	if m.tooLarge > 0 {
		why = append(why, fmt.Sprintf("%d too large for a call", m.tooLarge))
	}
	return strings.Join(why, ", ")
}
