package main

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestALogThatBecomesFullRaisesAnAlarmAndThenTakesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	seed := w.add(1)
	seed.cfg.MaxLog = 1 << 20
	seed.start()
	w.found(seed)
	w.takesOrders(seed)
	large := strings.Repeat("x", 100_000)
	for i := range 9 {
		if err := seed.order(t.Context(), large+string(rune('0'+i))); err != nil {
			t.Fatal(err)
		}
		w.same(i+1, seed)
	}
	w.until("an alarm is raised", func() bool { return strings.Contains(seed.linkNow().GetAlarm(), "the log uses 8") })
	if err := seed.order(t.Context(), large+large); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "raise max_log") {
		t.Error(err)
	}
	seed.end()
	seed.cfg.MaxLog = 4 << 20
	seed.start()
	w.everybody()
	w.until("the alarm has ended", func() bool { return seed.linkNow().GetQuorum() && seed.linkNow().GetAlarm() == "" })
	w.until("it takes entries again", func() bool { return seed.orderAt(t.Context(), 10, large+large) == nil })
	w.same(10, seed)
}
