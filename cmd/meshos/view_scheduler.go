package main

import (
	"strings"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// scheduler says in one line whether chains are rebalanced.
func (v view) scheduler(b *strings.Builder, s *meshosv1.SchedulerView) {
	if s == nil {
		return
	}
	line := "  scheduler: "
	if s.GetActive() {
		line += counted(int(s.GetChainsScored()), "chain") + " scored " + span(s.GetAge()) + " ago"
	} else {
		line += v.paint.in(warning, "idle") + ": " + plain(s.GetIdleReason())
	}
	if n := s.GetMoving(); n > 0 {
		line += "; " + number(n) + " moving"
	}
	b.WriteString(line + "\n")
}
