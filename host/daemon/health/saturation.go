package health

import (
	"math"
	"strconv"
	"strings"
)

// saturation parses how busy a daemon reports to be. Numbers outside 0 … 1 count as the nearer
// end; ok is false for anything but a finite number. The level is rounded to hundredths, so
// that small changes send no event.
func saturation(text string) (level float32, ok bool) {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, false
	}
	return float32(math.Round(100*min(1, max(0, v))) / 100), true
}
