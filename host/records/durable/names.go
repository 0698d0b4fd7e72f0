package durable

import (
	"fmt"
	"strconv"
	"strings"
)

const suffix = ".rec"

// nameOf returns the name of a file.
func nameOf(number uint64) string { return fmt.Sprintf("%010d%s", number, suffix) }

// numberOf returns the number in the name of a file, 0 for a name of another kind.
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
