package records

import (
	"fmt"
	"strings"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// losses counts the records of one chain that are lost, or that an appender will never
// get, until they are reported.
type losses struct {
	overrun    uint64 // overwritten in memory, or dropped from disk, before they were read
	tooLarge   uint64 // for a call
	reportedAt time.Time
}

// due reports whether to report them now. One report covers all since the last one.
func (l *losses) due(now time.Time) bool {
	return l.overrun+l.tooLarge > 0 && (l.reportedAt.IsZero() || now.Sub(l.reportedAt) >= reportEvery)
}

// reported notes that they were reported.
func (l *losses) reported(now time.Time) { *l = losses{reportedAt: now} }

// ofAppender describes what an appender will never get.
func (l *losses) ofAppender(appender string, c mesh.RecordChain) string {
	return fmt.Sprintf("%s will never get %d %s: %s", appender, l.overrun+l.tooLarge, l.noun(c),
		l.causes("%d dropped from disk before it was ready for them"))
}

// ofDisk describes what will never be on disk.
func (l *losses) ofDisk(c mesh.RecordChain) string {
	return fmt.Sprintf("%d %s lost: %s", l.overrun+l.tooLarge, l.noun(c),
		l.causes("%d left the node's memory before they could be written"))
}

func (l *losses) noun(c mesh.RecordChain) string {
	if l.overrun+l.tooLarge == 1 {
		return c.String() + " record"
	}
	return c.String() + " records"
}

func (l *losses) causes(overrun string) string {
	var causes []string
	if l.overrun > 0 {
		causes = append(causes, fmt.Sprintf(overrun, l.overrun))
	}
	if l.tooLarge > 0 {
		causes = append(causes, fmt.Sprintf("%d too large for a call", l.tooLarge))
	}
	return strings.Join(causes, ", ")
}
