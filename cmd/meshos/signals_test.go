package main

import (
	"os"
	"syscall"
	"testing"
	"time"
)

func TestWhichSignalsAskForAnEndAtOnce(t *testing.T) {
	const s = time.Second
	type came struct {
		sig os.Signal
		at  time.Duration
	}
	term, ctrlC := syscall.SIGTERM, os.Interrupt
	for name, tc := range map[string]struct {
		came   []came
		atOnce bool // at the last one
	}{
		"one SIGTERM":                      {[]came{{term, 0}}, false},
		"two SIGTERMs are one":             {[]came{{term, 0}, {term, 0}}, false},
		"a third SIGTERM, however late":    {[]came{{term, 0}, {term, 0}, {term, 60 * s}}, true},
		"Ctrl-C once":                      {[]came{{ctrlC, 0}}, false},
		"Ctrl-C twice within 2 s":          {[]came{{ctrlC, 0}, {ctrlC, 2 * s}}, true},
		"Ctrl-C twice, slowly":             {[]came{{ctrlC, 0}, {ctrlC, 3 * s}}, false},
		"slowly, and then quickly":         {[]came{{ctrlC, 0}, {ctrlC, 3 * s}, {ctrlC, 4 * s}}, true},
		"Ctrl-C and SIGTERM are not twice": {[]came{{ctrlC, 0}, {term, s}}, false},
	} {
		var signals endSignals
		began, last := time.Now(), false
		for _, c := range tc.came {
			last = signals.atOnce(c.sig, began.Add(c.at))
		}
		if last != tc.atOnce {
			t.Errorf("%s: at once is %v, want %v", name, last, tc.atOnce)
		}
	}
}
