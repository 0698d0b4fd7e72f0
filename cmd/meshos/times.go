package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Times are read as people write them: how long ago (90s, 2h, 7d, 1d12h), a day or a minute
// of the local time zone, or RFC 3339.

// aboutTimes explains the flags that take a time.
const aboutTimes = `A TIME is how long ago (2h, 7d), a day (2026-11-23), a minute of it ("2026-11-23 14:02")
or of today (14:02) in the local time zone, or RFC 3339. Up to a day or a minute means to
its end.`

// moment is a time as somebody wrote it. A day or a minute lasts: first is its beginning, and
// end is when it is over. Other times are a point: first and end are equal.
type moment struct{ first, end time.Time }

// layouts are the forms of a time without a zone, with how long it lasts.
var layouts = []struct {
	layout string
	lasts  time.Duration
	today  bool // the layout has no day
}{
	{"2006-01-02 15:04:05", time.Second, false},
	{"2006-01-02T15:04:05", time.Second, false},
	{"2006-01-02 15:04", time.Minute, false},
	{"2006-01-02T15:04", time.Minute, false},
	{"15:04:05", time.Second, true},
	{"15:04", time.Minute, true},
}

// readMoment reads a time. zone is that of days and minutes.
func readMoment(text string, now time.Time, zone *time.Location) (moment, error) {
	text = strings.TrimSpace(text)
	if ago, ok := readAgo(text); ok {
		at := now.Add(-ago)
		return moment{at, at}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return moment{t, t}, nil
	}
	if t, err := time.ParseInLocation("2006-01-02", text, zone); err == nil {
		return moment{t, t.AddDate(0, 0, 1)}, nil
	}
	for _, l := range layouts {
		t, err := time.ParseInLocation(l.layout, text, zone)
		if err != nil {
			continue
		}
		if l.today {
			year, month, day := now.In(zone).Date()
			t = time.Date(year, month, day, t.Hour(), t.Minute(), t.Second(), 0, zone)
		}
		return moment{t, t.Add(l.lasts)}, nil
	}
	return moment{}, fmt.Errorf("%q is not a time: want how long ago (2h, 7d), a day (2026-11-23), a minute (\"2026-11-23 14:02\", 14:02) or RFC 3339", text)
}

var days = regexp.MustCompile(`^(\d+)d`)

// longestDays keeps a duration with days from overflowing.
const longestDays = 100_000

// readAgo reads a duration that may begin with days.
func readAgo(text string) (time.Duration, bool) {
	var whole time.Duration
	if found := days.FindStringSubmatch(text); found != nil {
		n, err := strconv.Atoi(found[1])
		if err != nil || n > longestDays {
			return 0, false
		}
		whole, text = time.Duration(n)*24*time.Hour, text[len(found[0]):]
		if text == "" {
			return whole, true
		}
	}
	d, err := time.ParseDuration(text)
	return whole + d, err == nil && d >= 0 && text != "0"
}
