package age

import (
	"fmt"
	"strconv"
	"time"
)

const (
	// share is the part of a chain's files that may be dropped for their age within a window.
	share = 10
	// longest is how long a window lasts; less for records that are kept for hours only.
	longest = time.Hour
)

// window counts the files of a chain that were dropped for their age within an hour.
type window struct {
	files int
	ends  time.Duration // by the steady clock
}

// Dropping is a window as it outlives the process.
type Dropping struct {
	Files int      `json:"files"`
	Left  Duration `json:"left"`
}

// Allowed returns how many of a chain's files may be dropped for their age now: none while
// the clock is not believed, otherwise a tenth of them within an hour, and one at least.
func (c *Clock) Allowed(chain string, files int) int {
	if c.suspended {
		return 0
	}
	dropped := 0
	if w := c.windows[chain]; w != nil && c.last < w.ends {
		dropped = w.files
	}
	return max(0, max(1, (files+dropped)/share)-dropped)
}

// Dropped notes that files of a chain were dropped for their age.
func (c *Clock) Dropped(chain string, files int) {
	w := c.windows[chain]
	if w == nil || c.last >= w.ends {
		w = &window{ends: c.last + min(longest, c.keep/share)}
		c.windows[chain] = w
	}
	w.files += files
}

// Duration is a time.Duration that people can read in a file: "1h30m0s".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%s is not a duration: %w", strconv.Quote(string(text)), err)
	}
	*d = Duration(v)
	return nil
}
