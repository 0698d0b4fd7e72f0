package view

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// enumWord returns the part of an enum value's name that people need: "drain failed".
func enumWord(name, prefix string) string {
	word := strings.TrimPrefix(name, prefix)
	if word == "UNSPECIFIED" {
		return "-"
	}
	return strings.ToLower(strings.ReplaceAll(word, "_", " "))
}

// span returns a duration with about three digits: "123µs", "4.56ms", "1m30s".
func span(d *durationpb.Duration) string {
	if d == nil {
		return "-"
	}
	v := d.AsDuration()
	size := v.Abs()
	switch {
	case size >= time.Hour:
		return strings.TrimSuffix(v.Round(time.Minute).String(), "0s")
	case size >= 10*time.Second:
		v = v.Round(time.Second)
	case size >= time.Second:
		v = v.Round(100 * time.Millisecond)
	default:
		for unit := time.Nanosecond; unit < time.Second; unit *= 10 {
			if size < 1000*unit {
				v = v.Round(unit)
				break
			}
		}
	}
	if v >= time.Minute && v%time.Minute == 0 {
		return strings.TrimSuffix(v.String(), "0s")
	}
	return v.String()
}

// Seconds returns a duration in whole seconds, or in milliseconds below one: "4m48s".
func Seconds(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	words := d.Round(time.Second).String()
	if strings.HasSuffix(words, "m0s") {
		words = strings.TrimSuffix(words, "0s")
	}
	if strings.HasSuffix(words, "h0m") {
		words = strings.TrimSuffix(words, "0m")
	}
	return words
}

// bytesOf returns a size with its unit: "3.2 GiB".
func bytesOf(n uint64) string {
	value, unit := float64(n), 0
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	for value >= 1024 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	if unit == 0 || value >= 100 {
		return fmt.Sprintf("%.0f %s", value, units[unit])
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

// used returns how much of something is used: "3.0 GiB of 24.0 GiB (12%)".
func used(part, whole uint64) string {
	words := bytesOf(part) + " of " + bytesOf(whole)
	if whole > 0 {
		words += fmt.Sprintf(" (%.0f%%)", 100*float64(part)/float64(whole))
	}
	return words
}

// Counted returns a number with its noun: "1 peer", "2 peers".
func Counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func number[T ~uint32 | ~uint64 | ~int64](n T) string { return strconv.FormatInt(int64(n), 10) }

func idOf(n uint64) string { return strconv.FormatUint(n, 10) }

func idsOf(list []uint64) string { return idsOr(list, "-") }

// idsOr returns a list of ids, or none if it is empty.
func idsOr(list []uint64, none string) string {
	if len(list) == 0 {
		return none
	}
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = idOf(n)
	}
	return strings.Join(words, ", ")
}

// OrDash returns s, or "-" if it is empty.
func OrDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Daemon returns a daemon's id with its name: "1 (demo)".
func Daemon(d *meshosv1.DaemonRef) string {
	if d.GetName() == "" {
		return idOf(d.GetId())
	}
	return idOf(d.GetId()) + " (" + Plain(d.GetName()) + ")"
}

func pid(n int64) string {
	if n == 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}
