package view

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// Printer shows messages to a person. The zero value writes without color, in UTC.
type Printer struct {
	Color Color
	Zone  *time.Location // nil for UTC
	Width int            // how many columns a page has; 0 for 80
}

func (p Printer) zone() *time.Location {
	if p.Zone == nil {
		return time.UTC
	}
	return p.Zone
}

// Clock returns the time of day.
func (p Printer) Clock(t *timestamppb.Timestamp) string { return p.time(t, "15:04:05.000") }

func (p Printer) dateAndTime(t *timestamppb.Timestamp) string {
	return p.time(t, "2006-01-02 15:04:05.000")
}

func (p Printer) time(t *timestamppb.Timestamp, layout string) string {
	if t == nil {
		return "-"
	}
	return t.AsTime().In(p.zone()).Format(layout)
}
