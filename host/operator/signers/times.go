package signers

import (
	"fmt"
	"strings"
	"time"
)

// parseTime reads the times of OpenSSH: YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, in
// the given zone, or in UTC if Z or UTC follows. As for ssh-keygen, a time in a zone is
// standard time, also in summer.
func parseTime(text string, zone *time.Location) (time.Time, error) {
	digits := text
	for _, suffix := range []string{"Z", "UTC"} {
		if n := len(text) - len(suffix); n > 0 && strings.EqualFold(text[n:], suffix) {
			digits, zone = text[:n], time.UTC
			break
		}
	}
	layout := map[int]string{8: "20060102", 12: "200601021504", 14: "20060102150405"}[len(digits)]
	if layout == "" || strings.Trim(digits, "0123456789") != "" {
		return time.Time{}, fmt.Errorf("%q is not a time; write YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, followed by Z for UTC", shortened(text))
	}
	at, err := time.Parse(layout, digits)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time: there is no such day or hour", text)
	}
	if at = standard(at, zone); at.Unix() <= 0 {
		return time.Time{}, fmt.Errorf("%q is before 1970, which ssh-keygen does not take", text)
	}
	return at, nil
}

// standard returns the time at which clocks of a zone that never change to summer time show
// what t does.
func standard(t time.Time, zone *time.Location) time.Time {
	there := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone)
	if there.IsDST() {
		begin, _ := there.ZoneBounds()
		there = begin.Add(-time.Second)
	}
	_, offset := there.Zone()
	return t.Add(-time.Duration(offset) * time.Second).In(zone)
}

// shortened keeps a message readable, whatever the file holds.
func shortened(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
