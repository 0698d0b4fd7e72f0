package view

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
)

func TestSpansHaveThreeDigits(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "17ns": 17, "123µs": 123456, "4.57ms": 4567890, "300ms": 300 * time.Millisecond, "1.5s": 1540 * time.Millisecond,
		"59s": 59400 * time.Millisecond, "1m30s": 90 * time.Second, "10m": 10 * time.Minute, "1h1m": time.Hour + time.Minute + time.Second,
		"1s": 999999999,
	} {
		if got := span(durationpb.New(d)); got != want {
			t.Errorf("%v: got %s, want %s", int64(d), got, want)
		}
	}
	if got := span(nil); got != "-" {
		t.Errorf("none: got %s", got)
	}
}

func TestSpansInSeconds(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "15ms": 15 * time.Millisecond, "4m48s": 288 * time.Second, "5m": 5 * time.Minute, "1h0m5s": time.Hour + 5*time.Second,
		"1h30m": 90 * time.Minute, "10m": 10 * time.Minute, "2h": 2 * time.Hour, "59s": 59 * time.Second,
	} {
		if got := Seconds(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}
