package health

import (
	"math"
	"strconv"
	"strings"
)

// saturation reads how busy a daemon says it is; what lies outside 0 … 1 is taken
// as the nearer end, and what is no finite number was not said. It is rounded to
// hundredths, so that trembling is no news.
func saturation(text string) (level float32, said bool) {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, false
	}
	return float32(math.Round(100*min(1, max(0, v))) / 100), true
}
