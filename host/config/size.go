package config

import (
	"math"
	"strconv"
	"strings"
)

// size is a setting for a number of bytes: a whole number, or text with a unit.
func size(key string, at *int64) setting {
	const hint = `a size is a number of bytes, or a number with its unit in quotes: "64KiB", "256MiB", "2GiB"`
	return setting{
		key: key,
		set: func(v any) *fault {
			var n int64
			switch v := v.(type) {
			case int64:
				n = v
			case string:
				parsed, ok := parseSize(v)
				if !ok {
					return &fault{message: shortened(quote(v)) + " is not a size", hint: hint}
				}
				n = parsed
			default:
				f := wrongType(`a size such as "256MiB"`, v)
				f.hint = hint
				return f
			}
			if n <= 0 {
				return &fault{message: "must be more than 0"}
			}
			*at = n
			return nil
		},
		text: func() string {
			if *at == 0 {
				return ""
			}
			return quote(formatSize(*at))
		},
	}
}

func parseSize(s string) (int64, bool) {
	shift := 0
	for i, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if strings.HasSuffix(s, unit) {
			s, shift = strings.TrimSuffix(s, unit), 10*(i+1)
		}
	}
	if shift == 0 {
		s = strings.TrimSuffix(s, "B")
	}
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>shift {
		return 0, false
	}
	return n << shift, true
}

func formatSize(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for i < len(units)-1 && n%1024 == 0 {
		n /= 1024
		i++
	}
	return strconv.FormatInt(n, 10) + units[i]
}
