package main

import (
	"testing"
	"time"

	"github.com/meshos/meshos/internal/testneeds"
)

func TestTimesAsPeopleWriteThem(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		testneeds.Missing(t, "no time zones: %v", err)
	}
	now := time.Date(2026, 11, 23, 14, 30, 0, 0, zone)
	at := func(layout string) time.Time {
		out, err := time.ParseInLocation("2006-01-02 15:04:05", layout, zone)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for text, want := range map[string][2]time.Time{
		"7d":                        {now.AddDate(0, 0, -7), now.AddDate(0, 0, -7)},
		"1d12h":                     {now.Add(-36 * time.Hour), now.Add(-36 * time.Hour)},
		"90s":                       {now.Add(-90 * time.Second), now.Add(-90 * time.Second)},
		"2026-11-22":                {at("2026-11-22 00:00:00"), at("2026-11-23 00:00:00")},
		"2026-10-25":                {at("2026-10-25 00:00:00"), at("2026-10-26 00:00:00")}, // has 25 hours
		"2026-11-23 14:02":          {at("2026-11-23 14:02:00"), at("2026-11-23 14:03:00")},
		"2026-11-23T14:02:07":       {at("2026-11-23 14:02:07"), at("2026-11-23 14:02:08")},
		"14:02":                     {at("2026-11-23 14:02:00"), at("2026-11-23 14:03:00")},
		"2026-11-23T13:02:00Z":      {at("2026-11-23 14:02:00"), at("2026-11-23 14:02:00")},
		"2026-11-23T14:02:00+01:00": {at("2026-11-23 14:02:00"), at("2026-11-23 14:02:00")},
	} {
		got, err := readMoment(text, now, zone)
		if err != nil || !got.first.Equal(want[0]) || !got.end.Equal(want[1]) {
			t.Errorf("%s: got %v to %v, error %v, want %v", text, got.first, got.end, err, want)
		}
	}
	for _, text := range []string{"", "yesterday-ish", "-2h", "7", "23.11.2026", "2026-13-01", "99999999999999999999d", "9999999d"} {
		if got, err := readMoment(text, now, zone); err == nil {
			t.Errorf("%q is taken as %v", text, got)
		}
	}
}
