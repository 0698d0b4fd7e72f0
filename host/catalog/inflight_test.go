package catalog

import (
	"testing"
	"time"
)

func TestAPluginThatMindsItsTimeoutGetsNoGRPCDeadline(t *testing.T) {
	for minds, want := range map[bool]bool{false: true, true: false} {
		c := &call{slot: &slot{opts: &Options{}}, instance: &instance{ctx: t.Context(), mindsTimeout: minds}, timeout: time.Second, began: time.Now()}
		ctx, cancel := c.limited()
		defer cancel()
		if _, has := ctx.Deadline(); has != want {
			t.Errorf("it minds the timeout: %v, it has a deadline: %v", minds, has)
		}
	}
}
