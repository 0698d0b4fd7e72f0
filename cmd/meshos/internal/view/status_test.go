package view

import (
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/internal/golden"
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
		Printer{}.scheduler(&b, s)
		if b.String() != want {
			t.Errorf("got %q, want %q", b.String(), want)
		}
	}
}

// readStatus reads what `meshos status -o json` printed.
func readStatus(t *testing.T) *meshosv1.Snapshot {
	t.Helper()
	raw, err := os.ReadFile("../../testdata/status.json")
	if err != nil {
		t.Fatal(err)
	}
	s := &meshosv1.Snapshot{}
	if err := protojson.Unmarshal(raw, s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStatusInColor(t *testing.T) {
	s := readStatus(t)
	page := Printer{Color: true}.Status(Page{Snapshot: s, Now: s.GetTakenAt().AsTime().Add(300 * time.Millisecond), Filter: Filter{All: true}})
	golden.Check(t, "testdata/status-color.txt", page)
	for _, line := range strings.Split(page, "\n") {
		if strings.Count(line, "\x1b[") != 2*strings.Count(line, "\x1b[0m") {
			t.Errorf("a color does not end in its line: %q", line)
		}
	}
}
