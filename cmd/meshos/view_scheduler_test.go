package main

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestSchedulerInOneLine(t *testing.T) {
	for want, s := range map[string]*meshosv1.SchedulerView{
		"":                                       nil,
		"  scheduler: 12 chains scored 3s ago\n": {Active: true, ChainsScored: 12, Age: durationpb.New(3 * time.Second)},
		"  scheduler: 1 chain scored 100ms ago; 2 moving\n": {
			Active: true, ChainsScored: 1, Age: durationpb.New(100 * time.Millisecond), Moving: 2,
		},
		"  scheduler: idle: scorer-default is backing off\n": {IdleReason: "scorer-default is backing off"},
		"  scheduler: idle: evil�[2J; 1 moving\n":            {IdleReason: "evil\x1b[2J", Moving: 1},
	} {
		var b strings.Builder
		view{}.scheduler(&b, s)
		if b.String() != want {
			t.Errorf("got %q, want %q", b.String(), want)
		}
	}
}
