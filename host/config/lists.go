package config

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// texts is a setting for a list of strings.
func texts(key string, at *[]string) setting {
	return setting{
		key: key,
		set: func(v any) *fault {
			list, ok := v.([]any)
			if !ok {
				return wrongType(`a list of strings such as ["a", "b"]`, v)
			}
			out := make([]string, len(list))
			for i, item := range list {
				s, ok := item.(string)
				if !ok {
					f := wrongType("text in quotes", item)
					f.message = "item " + strconv.Itoa(i+1) + " " + f.message
					return f
				}
				if strings.ContainsRune(s, 0) {
					return &fault{message: "item " + strconv.Itoa(i+1) + " must not contain a NUL character"}
				}
				out[i] = s
			}
			*at = out
			return nil
		},
		text: func() string {
			if len(*at) == 0 {
				return ""
			}
			return inline(*at)
		},
	}
}

// words is a setting for a list of known words, each at most once.
func words(key string, at *[]string, known []string) setting {
	return texts(key, at).checked(func() *fault {
		var faults *fault
		for i, word := range *at {
			switch f := unknownWord(word, known); {
			case f != nil:
				faults = faults.append(f)
			case slices.Contains((*at)[:i], word):
				faults = faults.append(&fault{message: "names " + quote(word) + " twice"})
			}
		}
		return faults
	})
}

// environment is a setting for a table of environment variables.
func environment(key string, at *map[string]string) setting {
	return setting{
		key: key,
		set: func(v any) *fault {
			table, ok := v.(map[string]any)
			if !ok {
				return wrongType(`a table such as { KEY = "value" }`, v)
			}
			var faults *fault
			out := make(map[string]string, len(table))
			for _, name := range slices.Sorted(maps.Keys(table)) {
				value, ok := table[name].(string)
				switch {
				case name == "" || strings.ContainsAny(name, "=\x00"):
					faults = faults.append(&fault{
						at: []string{name}, message: quote(name) + " is not a valid name of a variable", hint: "a name must not be empty or contain =",
					})
				case !ok:
					f := wrongType("text in quotes", table[name])
					f.at = []string{name}
					faults = faults.append(f)
				case strings.ContainsRune(value, 0):
					faults = faults.append(&fault{at: []string{name}, message: "must not contain a NUL character"})
				}
				out[name] = value
			}
			*at = out
			return faults
		},
		text: func() string {
			if len(*at) == 0 {
				return ""
			}
			return inline(*at)
		},
	}
}

// anything is a setting for a table that is passed on as it is, as JSON.
func anything(key string, at *map[string]any) setting {
	return setting{
		key: key,
		set: func(v any) *fault {
			table, ok := v.(map[string]any)
			if !ok {
				return wrongType("a table", v)
			}
			plain, f := plainTable(table)
			if f == nil {
				*at = plain
			}
			return f
		},
		text: func() string {
			if len(*at) == 0 {
				return ""
			}
			return inline(*at)
		},
	}
}

func plainTable(table map[string]any) (map[string]any, *fault) {
	var faults *fault
	out := make(map[string]any, len(table))
	for _, key := range slices.Sorted(maps.Keys(table)) {
		value, first := plainValue(table[key])
		for f := first; f != nil; f = f.also {
			f.at = append([]string{key}, f.at...)
		}
		faults = faults.append(first)
		out[key] = value
	}
	return out, faults
}

// plainValue refuses what JSON can't hold exactly: the plugin would get something else.
func plainValue(v any) (any, *fault) {
	const exact = 1 << 53
	switch v := v.(type) {
	case map[string]any:
		return plainTable(v)
	case []map[string]any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = v[i]
		}
		return plainValue(list)
	case []any:
		var faults *fault
		out := make([]any, len(v))
		for i, item := range v {
			value, f := plainValue(item)
			faults = faults.append(f)
			out[i] = value
		}
		return out, faults
	case int64:
		if v > exact || v < -exact {
			return nil, &fault{message: "can't be passed to a plugin exactly: " + strconv.FormatInt(v, 10), hint: "write it in quotes"}
		}
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, &fault{message: "must be a finite number, is " + formatFloat(v)}
		}
	case time.Time:
		return nil, &fault{message: "can't be a date or time: plugins get their configuration as JSON", hint: "write it in quotes"}
	}
	return v, nil
}
