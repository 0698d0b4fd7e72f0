package config

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// quote returns s as a TOML string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// formatDuration leaves out the zeros that Go writes: "10m", not "10m0s".
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// formatFloat returns x as TOML, always in a form that TOML does not read as an integer.
func formatFloat(x float64) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	}
	s := strconv.FormatFloat(x, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// bareKey returns a key as TOML, in quotes if it needs them.
func bareKey(key string) string {
	for _, r := range key {
		bare := r == '_' || r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !bare {
			return quote(key)
		}
	}
	if key == "" {
		return `""`
	}
	return key
}

// inline returns a value from the file as TOML in one line.
func inline(v any) string {
	switch v := v.(type) {
	case string:
		return quote(v)
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return formatFloat(v)
	case []string:
		return inlineList(v)
	case []any:
		return inlineList(v)
	case map[string]string:
		return inlineTable(v)
	case map[string]any:
		return inlineTable(v)
	}
	return quote(fmt.Sprint(v))
}

func inlineList[T any](list []T) string {
	items := make([]string, len(list))
	for i, item := range list {
		items[i] = inline(item)
	}
	return "[" + strings.Join(items, ", ") + "]"
}

func inlineTable[T any](table map[string]T) string {
	if len(table) == 0 {
		return "{}"
	}
	var items []string
	for _, key := range slices.Sorted(maps.Keys(table)) {
		items = append(items, bareKey(key)+" = "+inline(table[key]))
	}
	return "{ " + strings.Join(items, ", ") + " }"
}
