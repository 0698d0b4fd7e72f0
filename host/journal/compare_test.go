package journal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/journal"
	"github.com/meshos/meshos/host/mesh"
)

func TestWhatDiffersIsNamedFieldByField(t *testing.T) {
	for name, c := range map[string]struct {
		a, b string
		want []journal.Field
	}{
		"nothing":            {`{"a":[1,{"b":null}]}`, `{ "a": [1, {"b": null}] }`, nil},
		"a value":            {`{"a":{"b":1}}`, `{"a":{"b":"1"}}`, []journal.Field{{Path: "a.b", One: "1", Other: `"1"`}}},
		"long numbers":       {`{"a":18446744073709551615}`, `{"a":18446744073709551614}`, []journal.Field{{Path: "a", One: "18446744073709551615", Other: "18446744073709551614"}}},
		"one that is gone":   {`{"a":1,"b":2}`, `{"a":1}`, []journal.Field{{Path: "b", One: "2"}}},
		"one that is new":    {`{"a":1}`, `{"a":1,"b":null}`, []journal.Field{{Path: "b", Other: "null"}}},
		"another type":       {`{"a":[1]}`, `{"a":{"b":1}}`, []journal.Field{{Path: "a", One: "[1]", Other: `{"b":1}`}}},
		"a list by place":    {`{"a":[1,2]}`, `{"a":[1,3,4]}`, []journal.Field{{Path: "a[1]", One: "2", Other: "3"}, {Path: "a[2]", Other: "4"}}},
		"a list by ids":      {`{"a":[{"chain":"1"},{"chain":"2","x":1}]}`, `{"a":[{"chain":"2","x":2},{"chain":"3"}]}`, []journal.Field{{Path: "a[chain 1]", One: `{"chain":"1"}`}, {Path: "a[chain 2].x", One: "1", Other: "2"}, {Path: "a[chain 3]", Other: `{"chain":"3"}`}}},
		"ids that are twice": {`{"a":[{"seq":1},{"seq":1}]}`, `{"a":[{"seq":1}]}`, []journal.Field{{Path: "a[1]", One: `{"seq":1}`}}},
		"daemons":            {`{"a":[{"daemon":{"id":"3"},"x":1}]}`, `{"a":[{"daemon":{"id":"3"},"x":2}]}`, []journal.Field{{Path: "a[daemon 3].x", One: "1", Other: "2"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := journal.Differences([]byte(c.a), []byte(c.b))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func side(name, from string) journal.Side {
	return journal.ReplayedSide(name, journal.NewReplay(journal.NewReader(name, strings.NewReader(from))), 0)
}

// A difference in the snapshots alone counts too, at the tick where it
// shows first.
func TestTwoJournalsAreComparedBySnapshotsToo(t *testing.T) {
	lines := cut(story(t))
	other := text(t, journal.Entry{At: stamp(0), Boot: boot()}, tick(500), heard(600, mesh.LogLine{Level: mesh.LevelInfo, Message: "x"})) +
		strings.Join(lines[3:], "")
	d, ticks, err := journal.Compare(side("a", story(t)), side("b", other))
	if err != nil || ticks != 1 || d == nil || d.Tick != 2 || d.Places != [2]string{"a:5", "b:5"} {
		t.Fatalf("%+v after %d ticks, %v", d, ticks, err)
	}
	if got := fmt.Sprint(d.Fields); !strings.Contains(got, "snapshot.logs") {
		t.Error(got)
	}
}

func TestWhatComesAfterTheLastTickIsComparedToo(t *testing.T) {
	more := story(t) + strings.Replace(cut(text(t, journal.Entry{Boot: boot()}, heard(1100, mesh.DaemonExited{Daemon: mesh.DaemonRef{ID: 3}})))[1], `"2"`, `"6"`, 1)
	d, ticks, err := journal.Compare(side("a", story(t)), side("b", more))
	if err != nil || ticks != 2 || d == nil || d.Tick != 0 || len(d.Fields) == 0 {
		t.Fatalf("%+v after %d ticks, %v", d, ticks, err)
	}
}

func TestDamageEndsAComparison(t *testing.T) {
	lines := cut(story(t))
	broken := lines[0] + lines[1] + lines[4]
	for _, sides := range [][2]journal.Side{
		{side("a", broken), side("b", story(t))},
		{side("a", story(t)), side("b", broken)},
	} {
		if _, _, err := journal.Compare(sides[0], sides[1]); err == nil || !strings.Contains(err.Error(), ":3: index 5 follows 2") {
			t.Error(err)
		}
	}
}
