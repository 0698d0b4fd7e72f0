package signers

import (
	"fmt"
	"strings"
	"time"
)

// parseTime reads the times of OpenSSH: YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, in
// the given zone, or in UTC if Z or UTC follows.
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
	at, err := time.ParseInLocation(layout, digits, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time: there is no such day or hour", text)
	}
	return at, nil
}

// shortened keeps a message readable, whatever the file holds.
func shortened(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
