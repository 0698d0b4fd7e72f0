package pluginsdk

import (
	"fmt"
	"strings"
	"time"
)

// Duration is a time.Duration for fields of a configuration. Operators write it as
// text, such as "250ms" or "1m30s".
type Duration time.Duration

// String returns the shortest form: "1m", not "1m0s".
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText returns what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a duration such as "250ms".
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration (write it like \"250ms\" or \"1m30s\")", text)
	}
	*d = Duration(v)
	return nil
}
