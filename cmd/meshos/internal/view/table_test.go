package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// fitsUsualWidth fails the test if a line is wider than a usual terminal, unless it is one
// word that is.
func fitsUsualWidth(t interface{ Errorf(string, ...any) }, page string) {
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		if n := runewidth.StringWidth(line); n > usualWidth && strings.Contains(strings.TrimSpace(line), " ") {
			t.Errorf("a line has %d columns: %s", n, line)
		}
		if strings.HasSuffix(line, " ") {
			t.Errorf("a line ends in a space: %q", line)
		}
	}
}

// Whatever is in a table, it fits, no word of it is broken or cut, and their order stays.
func TestATableFitsAndCutsNothing(t *testing.T) {
	word := rapid.StringMatching(`[a-z界]([a-z.-]{0,8}|[a-z界é.-]{20,90})[a-z]`)
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.IntRange(1, 9).Draw(t, "columns")
		tab := &table{columns: rapid.SliceOfN(rapid.StringMatching("[A-Z]{2,9}"), columns, columns).Draw(t, "names")}
		if columns > 3 {
			tab.optional = rapid.IntRange(0, 2).Draw(t, "optional")
		}
		for range rapid.IntRange(1, 4).Draw(t, "rows") {
			var row []cell
			for i := range columns {
				words := rapid.SampledFrom([]int{1, 1, 2, 8}).Draw(t, "most")
				if i == columns-1 {
					words = 8
				}
				row = append(row, text(strings.Join(rapid.SliceOfN(word, 0, words).Draw(t, "words"), " ")))
			}
			tab.add(row...)
		}
		var page strings.Builder
		tab.write(&page, Printer{})
		fitsUsualWidth(t, page.String())
		got := strings.Fields(page.String())
		rows := append([][]cell{nil}, tab.rows...)
		for _, name := range tab.columns {
			rows[0] = append(rows[0], text(name))
		}
		var full string
		for shown := columns; shown >= columns-tab.optional; shown-- {
			var want []string
			for _, row := range rows {
				for _, c := range row[:shown] {
					want = append(want, strings.Fields(c.text)...)
				}
			}
			if full = strings.Join(want, " "); full == strings.Join(got, " ") {
				return
			}
		}
		t.Fatalf("the words are not those of the table:\n%s\nwant %s", page.String(), full)
	})
}

// long is a name of 60 columns.
func long(kind string, n int) string {
	name := fmt.Sprintf("%s-%d.rack-17.hall-b.frankfurt.eu-central-1.example.org", kind, n)
	return strings.Repeat("x", 60-len(name)) + name
}

// longNamed is a snapshot in which every table has rows, and all names are long.
func longNamed() *meshosv1.Snapshot {
	s := &meshosv1.Snapshot{
		Node: 1, Tick: 7, TakenAt: timestamppb.New(time.Unix(1_800_000_000, 0)), Stats: &meshosv1.Stats{},
		Info: &meshosv1.NodeInfo{Name: long("node", 1), Cluster: long("cluster", 1), Version: "v1.2.3-4-gabcdef0", Operators: []string{long("ana", 1), long("ben", 2)}},
	}
	const id = 18446744073709551615
	for i := range 3 {
		ref := &meshosv1.DaemonRef{Id: id - uint64(i), Name: long("daemon", i)}
		peer := id - uint64(i)
		s.Peers = append(s.Peers, &meshosv1.PeerView{
			Peer: peer, Name: long("peer", i), Rtt: durationpb.New(123456 * time.Microsecond), Health: meshosv1.NodeHealth(i + 1),
			HealthReason: "no such name " + long("peer", i), HealthSince: durationpb.New(time.Hour), Cordoned: true,
			Maintenance: meshosv1.MaintenancePhase_MAINTENANCE_PHASE_DRAIN_FAILED,
			Inventory:   &meshosv1.PeerInventory{CpuLoad_1M: new(float64), MemUsedBytes: new(uint64), MemTotalBytes: ptr(uint64(1))},
		})
		s.AvoidList = append(s.AvoidList, &meshosv1.AvoidView{Peer: peer, Reason: "round-trip time of " + long("peer", i), Ttl: durationpb.New(time.Minute)})
		s.Daemons = append(s.Daemons, &meshosv1.DaemonView{
			Daemon: ref, Lifecycle: meshosv1.DaemonView_LIFECYCLE_STOPPED, Intent: meshosv1.DaemonIntent_INTENT_RUN, Pid: 4194304, Restarts: 4711,
			Restart: meshosv1.DaemonView_RESTART_CRASH_LOOPING, Crashes: 4711, Age: durationpb.New(time.Hour), RestartIn: durationpb.New(time.Minute),
			LastExit: &meshosv1.DaemonExit{Code: 3, LastLine: "can't open /srv/" + long("file", i)}, Outdated: true,
			Ordered: &meshosv1.OrderView{Age: durationpb.New(time.Hour), Operators: []string{long("ana", 1)}},
		})
		s.Plugins = append(s.Plugins, &meshosv1.PluginView{
			Name: long("plugin", i), Status: meshosv1.PluginView_STATUS_QUARANTINED, Calls: 1 << 40, Failures: 1 << 30, Restarts: 4711, Pid: 4194304,
			LastCall: durationpb.New(time.Millisecond), Version: "v1.2.3-4-gabcdef0", Kinds: []string{"migration_aborter", "migration_source"},
			Message: "signal: killed at /srv/" + long("file", i), Warnings: []string{"the machine can't limit " + long("thing", i)},
		})
		s.Replicas = append(s.Replicas, &meshosv1.ReplicaView{
			Chain: id - uint64(i), Desired: ptr(uint32(5)), Leader: ptr(peer), Holders: []uint64{id, id - 1, id - 2, id - 3},
			Ordered: &meshosv1.OrderView{},
		})
		s.InFlightMigrations = append(s.InFlightMigrations, &meshosv1.MigrationView{
			Migration: id - uint64(i), Source: id, Target: id - 1, Elapsed: durationpb.New(time.Hour), Retries: 4711,
		})
		s.RecentlyEmitted = append(s.RecentlyEmitted, &meshosv1.EmittedAction{
			Id: id, Kind: "start_daemon", Age: durationpb.New(time.Hour),
			Action: &meshosv1.Action{Kind: &meshosv1.Action_StartDaemon{StartDaemon: &meshosv1.StartDaemon{Daemon: ref}}},
		})
		s.RecentFailures = append(s.RecentFailures, &meshosv1.FailureRecord{
			At: s.GetTakenAt(), Source: "plugin:" + long("plugin", i), Reason: "it said: " + long("peer", i) + " is not in /srv/" + long("file", i),
		})
	}
	return s
}

func ptr[T any](v T) *T { return &v }

// All tables fit a usual terminal with names of 60 columns, which stand there in full.
func TestAllTablesFitWithLongNames(t *testing.T) {
	s := longNamed()
	now := s.GetTakenAt().AsTime()
	pages := map[string]string{
		"status":       Printer{}.Status(Page{Snapshot: s, Now: now}),
		"status --all": Printer{}.Status(Page{Snapshot: s, Now: now, Filter: Filter{All: true}}),
		"status --peer": Printer{}.Status(Page{Snapshot: s, Now: now, Filter: Filter{
			Peers: []uint64{s.GetPeers()[0].GetPeer()}, Daemons: []uint64{s.GetDaemons()[0].GetDaemon().GetId()},
		}}),
		"plugin list": Printer{}.Plugins(s.GetPlugins()),
		"daemon list": Printer{}.Daemons(s),
	}
	for name, page := range pages {
		if strings.Contains(page, "xxx…") || strings.Contains(page, "…-") {
			t.Errorf("%s cuts a name:\n%s", name, page)
		}
		fitsUsualWidth(testNamed{t, name}, page)
	}
	for kind, page := range map[string]string{
		"peer": pages["status --all"], "daemon": pages["daemon list"], "plugin": pages["plugin list"],
	} {
		for i := range 3 {
			if !strings.Contains(page, long(kind, i)) {
				t.Errorf("%s is not there in full:\n%s", long(kind, i), page)
			}
		}
	}
	for _, line := range strings.Split(Printer{Width: Unlimited}.Plugins(s.GetPlugins()), "\n") {
		if strings.Contains(line, "1099511627776") && !(strings.Contains(line, long("plugin", 0)[:5]) && strings.Contains(line, "migration_source")) {
			t.Errorf("with --wide a row is not one line: %s", line)
		}
	}
}

// testNamed says of which page an error is.
type testNamed struct {
	*testing.T
	page string
}

func (t testNamed) Errorf(format string, args ...any) {
	t.Helper()
	t.T.Errorf(t.page+": "+format, args...)
}

// What a name takes on the screen counts, not how many characters it has.
func TestColumnsAreAsWideAsTheyAreShown(t *testing.T) {
	tab := &table{columns: []string{"NAME", "STATE"}}
	for _, name := range []string{"ab", "日本語", "zoe\u0308", "👩‍🔧", "한국"} {
		tab.add(text(name), text("ok"))
	}
	var b strings.Builder
	tab.write(&b, Printer{})
	for line := range strings.Lines(b.String()) {
		before, _, _ := strings.Cut(line, "ok")
		if strings.Contains(line, "ok") && runewidth.StringWidth(before) != 2+6+2 {
			t.Errorf("the state is in column %d of %q", runewidth.StringWidth(before), line)
		}
	}
	if got := cut("日本語のノード", 7); got != "日本語…" {
		t.Errorf("cut to %q", got)
	}
}
