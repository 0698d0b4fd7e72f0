package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// wrongType returns the fault of a value that does not have the wanted type.
func wrongType(wanted string, v any) *fault {
	return &fault{message: "must be " + wanted + ", is " + describe(v)}
}

// describe names a value from the file in words.
func describe(v any) string {
	switch v := v.(type) {
	case string:
		return "the text " + shortened(quote(v))
	case int64:
		return "the number " + strconv.FormatInt(v, 10)
	case float64:
		return "the number " + formatFloat(v)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return "a date or time"
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	case []map[string]any:
		return "a list of tables"
	}
	return fmt.Sprintf("a %T", v)
}

func shortened(s string) string {
	if runes := []rune(s); len(runes) > 40 {
		return string(runes[:37]) + `…"`
	}
	return s
}

// duration is a setting for a duration above 0.
func duration(key string, at *time.Duration) setting {
	return durationOr0(key, at).checked(func() *fault {
		if *at == 0 {
			return &fault{message: "must be more than 0"}
		}
		return nil
	})
}

// durationOr0 is a setting for a duration that may be 0.
func durationOr0(key string, at *time.Duration) setting {
	const wanted, hint = `a duration such as "500ms"`, `a duration is a number with its unit in quotes: "250ms", "1.5s", "10m", "1h30m"`
	return setting{
		key: key,
		set: func(v any) *fault {
			text, ok := v.(string)
			if !ok {
				f := wrongType(wanted, v)
				f.hint = hint
				return f
			}
			d, err := time.ParseDuration(text)
			switch {
			case err != nil:
				return &fault{message: shortened(quote(text)) + " is not a duration", hint: hint}
			case d < 0:
				return &fault{message: "must not be negative, is " + text}
			}
			*at = d
			return nil
		},
		text: func() string { return quote(formatDuration(*at)) },
	}
}

// count is a setting for a whole number within bounds, both included.
func count(key string, at *int, least, most int64) setting {
	return setting{
		key: key,
		set: func(v any) *fault {
			n, ok := v.(int64)
			switch {
			case !ok:
				return wrongType("a whole number", v)
			case n < least:
				return &fault{message: fmt.Sprintf("must be at least %d, is %d", least, n)}
			case n > most:
				return &fault{message: fmt.Sprintf("must be at most %d, is %d", most, n)}
			}
			*at = int(n)
			return nil
		},
		text: func() string { return strconv.Itoa(*at) },
	}
}

// id is a setting for a number that names something. It is 0 if it was left out.
func id[T ~uint64](key string, at *T) setting {
	return setting{
		key: key,
		set: func(v any) *fault {
			n, ok := v.(int64)
			switch {
			case !ok:
				return wrongType("a whole number from 1", v)
			case n == 0:
				return &fault{message: "must not be 0", hint: "ids start at 1"}
			case n < 0:
				return &fault{message: fmt.Sprintf("must be a whole number from 1, is %d", n)}
			}
			*at = T(n)
			return nil
		},
		text: func() string {
			if *at == 0 {
				return ""
			}
			return strconv.FormatUint(uint64(*at), 10)
		},
	}
}

// real is a setting for a number within bounds, both included.
func real(key string, at *float64, least, most float64) setting {
	return setting{
		key: key,
		set: func(v any) *fault {
			var x float64
			switch v := v.(type) {
			case float64:
				x = v
			case int64:
				x = float64(v)
			default:
				return wrongType("a number", v)
			}
			switch {
			case math.IsNaN(x) || math.IsInf(x, 0):
				return &fault{message: "must be a finite number, is " + formatFloat(x)}
			case x < least:
				return &fault{message: "must be at least " + formatFloat(least) + ", is " + formatFloat(x)}
			case x > most:
				return &fault{message: "must be at most " + formatFloat(most) + ", is " + formatFloat(x)}
			}
			*at = x
			return nil
		},
		text: func() string { return formatFloat(*at) },
	}
}

func boolean(key string, at *bool) setting {
	return setting{
		key: key,
		set: func(v any) *fault {
			b, ok := v.(bool)
			if !ok {
				return wrongType("true or false", v)
			}
			*at = b
			return nil
		},
		text: func() string { return strconv.FormatBool(*at) },
	}
}

// text is a setting for a string without control characters.
func text(key string, at *string) setting {
	return setting{
		key: key,
		set: func(v any) *fault {
			s, ok := v.(string)
			if !ok {
				return wrongType("text in quotes", v)
			}
			if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				return &fault{message: "must not contain control characters, is " + shortened(quote(s))}
			}
			*at = s
			return nil
		},
		text: func() string { return quote(*at) },
	}
}

// textOrNone is a setting for text that Effective leaves out when it is empty.
func textOrNone(key string, at *string) setting {
	s := text(key, at)
	s.text = func() string {
		if *at == "" {
			return ""
		}
		return quote(*at)
	}
	return s
}

// notEmpty is a setting for text that must not be empty.
func notEmpty(key string, at *string) setting {
	return text(key, at).checked(func() *fault {
		if *at == "" {
			return &fault{message: "must not be empty"}
		}
		return nil
	})
}

// oneOf is a setting for one of a few words.
func oneOf(key string, at *string, words ...string) setting {
	return textOrNone(key, at).checked(func() *fault { return unknownWord(*at, words) })
}

func unknownWord(word string, known []string) *fault {
	for _, k := range known {
		if word == k {
			return nil
		}
	}
	f := &fault{message: shortened(quote(word)) + " is unknown", hint: "known: " + strings.Join(known, ", ")}
	if near := nearest(word, known); near != "" {
		f.hint = "did you mean " + quote(near) + "?"
	}
	return f
}

// optional is a setting whose field is nil if it was left out.
func optional[T any](at **T, inner func(*T) setting) setting {
	var value T
	s := inner(&value)
	set := s.set
	s.set = func(v any) *fault {
		f := set(v)
		if f == nil {
			*at = &value
		}
		return f
	}
	s.text = func() string {
		if *at == nil {
			return ""
		}
		return inner(*at).text()
	}
	return s
}
