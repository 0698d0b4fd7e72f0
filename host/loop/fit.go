package loop

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/meshos/meshos/host/mesh"
)

// MaxEvent is the most that one event may hold, in bytes of text plus one for each id
// of a list. The queues count events and the rings count records, so this is what
// bounds their memory.
const MaxEvent = 64 << 10

// maxLine is where a line for the node's log is cut, in bytes: where those of daemons
// and plugins are cut as well.
const maxLine = 8 << 10

// EventTooLargeError says that an event holds more than MaxEvent.
type EventTooLargeError struct{ Size int }

// Error implements error.
func (e *EventTooLargeError) Error() string {
	return fmt.Sprintf("event holds %d bytes of text and ids, and may hold %d; make several of it", e.Size, MaxEvent)
}

// Fits says why an event can't be published: it is an *EventTooLargeError or
// ErrNoEvent, nil if it can.
func Fits(ev mesh.Event) error {
	_, err := fit(ev)
	return err
}

// fit gives an event as it may be queued: a long line is cut. The error is ErrNoEvent
// or an *EventTooLargeError.
func fit(ev mesh.Event) (mesh.Event, error) {
	size := 0
	switch ev := ev.(type) {
	case nil:
		return nil, ErrNoEvent
	case mesh.LogLine:
		if len(ev.Message) > maxLine {
			ev.Message = cut(ev.Message)
			return ev, nil
		}
	case mesh.DaemonStarted:
		size = len(ev.Daemon.Name)
	case mesh.DaemonExited:
		size = len(ev.Daemon.Name)
	case mesh.DaemonCrashed:
		size = len(ev.Daemon.Name) + len(ev.Reason)
	case mesh.DaemonHealthChanged:
		size = len(ev.Daemon.Name) + len(ev.Health.Reason)
	case mesh.DaemonSaturationChanged:
		size = len(ev.Daemon.Name)
	case mesh.DaemonIntent:
		size = len(ev.Daemon.Name)
	case mesh.MaintenanceObserved:
		size = len(ev.Reason)
	case mesh.AdminReceived:
		size = adminSize(ev.Event)
	}
	if size > MaxEvent {
		return nil, &EventTooLargeError{Size: size}
	}
	return ev, nil
}

func adminSize(ev mesh.AdminEvent) int {
	switch ev := ev.(type) {
	case mesh.DropReplicas:
		return len(ev.Chains)
	case mesh.ForceRestartDaemon:
		return len(ev.Daemon.Name)
	}
	return 0
}

// cut cuts a line between two characters, says so, and does not keep the rest alive.
func cut(line string) string {
	end := maxLine
	for end > maxLine-utf8.UTFMax && !utf8.RuneStart(line[end]) {
		end--
	}
	return strings.Clone(line[:end]) + fmt.Sprintf(" … (cut at %d bytes)", maxLine)
}

// fitAll fits the events of a batch. The batch stays as it is; a copy is made where an
// event had to be changed.
func fitAll(evs []mesh.Event) ([]mesh.Event, error) {
	copied := false
	for i, ev := range evs {
		fitted, err := fit(ev)
		if err != nil {
			return nil, err
		}
		if line, ok := ev.(mesh.LogLine); !ok || len(line.Message) <= maxLine {
			continue
		}
		if !copied {
			evs, copied = append([]mesh.Event(nil), evs...), true
		}
		evs[i] = fitted
	}
	return evs, nil
}
