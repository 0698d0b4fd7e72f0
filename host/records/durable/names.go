package durable

import (
	"fmt"
	"strconv"
	"strings"
)

const suffix = ".rec"

// nameOf gives the name of a segment's file.
func nameOf(number uint64) string { return fmt.Sprintf("%010d%s", number, suffix) }

// numberOf reads a name; 0 for one that is no segment's.
func numberOf(name string) uint64 {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) < 10 {
		return 0
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || nameOf(n) != name {
		return 0
	}
	return n
}
