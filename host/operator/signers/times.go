package signers

import (
	"fmt"
	"strings"
	"time"
)

// parseTime reads the times of OpenSSH: YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS,
// in the time zone of the machine, or in UTC with a Z or UTC behind.
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
		return time.Time{}, fmt.Errorf("%q is no time; write YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with a Z behind for UTC", shortened(text))
	}
	at, err := time.ParseInLocation(layout, digits, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time: there is no such day or hour", text)
	}
	return at, nil
}

// shortened keeps a message readable whatever stands in the file.
func shortened(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
