package loop

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/meshos/meshos/host/mesh"
)

// MaxEvent is the largest Size of an event that the loop takes. The queues count
// events and the rings count records, so this is what bounds their memory.
const MaxEvent = 64 << 10

// maxLine is where a line for the node's log is cut, in bytes. Lines of daemons and
// plugins are cut there as well.
const maxLine = 8 << 10

// EventTooLargeError means that an event is larger than MaxEvent.
type EventTooLargeError struct{ Size int }

// Error implements error.
func (e *EventTooLargeError) Error() string {
	return fmt.Sprintf("event holds %d bytes of text and ids, at most %d are allowed; split it into several", e.Size, MaxEvent)
}

// Fits returns nil if an event can be published, and otherwise an *EventTooLargeError
// or ErrNoEvent.
func Fits(ev mesh.Event) error {
	_, err := fit(ev)
	return err
}

// fit returns an event as it is queued: a line that is too long is cut. The error is
// ErrNoEvent or an *EventTooLargeError.
func fit(ev mesh.Event) (mesh.Event, error) {
	if ev == nil {
		return nil, ErrNoEvent
	}
	if line, ok := ev.(mesh.LogLine); ok && len(line.Message) > maxLine {
		line.Message = cut(line.Message)
		return line, nil
	}
	if size := ev.Size(); size > MaxEvent {
		return nil, &EventTooLargeError{Size: size}
	}
	return ev, nil
}

// cut cuts a line between two characters and appends that it did. The result does not
// keep the rest of the line in memory.
func cut(line string) string {
	end := maxLine
	for end > maxLine-utf8.UTFMax && !utf8.RuneStart(line[end]) {
		end--
	}
	return strings.Clone(line[:end]) + fmt.Sprintf(" … (cut at %d bytes)", maxLine)
}

// fitAll fits the events of a batch. The batch itself is not changed: if an event had
// to be, the result is a copy.
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
