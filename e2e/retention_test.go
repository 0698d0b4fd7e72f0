package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// oldLines puts as many files of log lines as are wanted into a node's folder, all as old as
// that.
func oldLines(t *testing.T, dataDir string, files int, age time.Duration) {
	t.Helper()
	at := time.Now().Add(-age)
	fs, err := disk.Open(filepath.Join(dataDir, "records", "log"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := durable.Open(durable.Options{FS: fs, Chain: "log", SegmentSize: 1, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= uint64(files); seq++ {
		data, err := proto.Marshal(&meshosv1.Record{Kind: &meshosv1.Record_Log{Log: &meshosv1.LogRecord{
			Node: 1, Epoch: 7, Seq: seq, At: timestamppb.New(at), Level: meshosv1.LogLevel_LOG_LEVEL_INFO, Message: "an old line",
		}}})
		if err == nil {
			err = l.Append([]segment.Entry{{Kind: segment.KindRecord, Epoch: 7, Seq: seq, Wall: at, Data: data}})
		}
		if err == nil {
			err = l.Sync()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// A node that finds all its records two months old can't know whether it was off or the clock
// is wrong: it says so, and drops none.
func TestAStartWithAClockFarAheadDropsNoRecords(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	oldLines(t, n.dir+"/var", 20, 60*24*time.Hour)
	n.start()
	n.until("the failure record", func(s *meshosv1.Snapshot) bool {
		return failed(s, "records", "after this node's newest record or its last run")
	})
	if got := n.must("failures"); !strings.Contains(got, "the node was off for so long, or the clock is wrong; until the clock has run on for a day") {
		t.Errorf("failures shows\n%s", got)
	}
	if got := strings.Count(n.must("logs", "--since", "all"), "an old line"); got != 20 {
		t.Errorf("%d of 20 old lines are left", got)
	}
}

// Once the clock is believed, what is too old goes, a tenth at a time, and the log says what.
func TestADropOfOldRecordsIsItselfRecorded(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	oldLines(t, n.dir+"/var", 40, 60*24*time.Hour)
	kept := fmt.Sprintf(`{"wall": %q}`, time.Now().Format(time.RFC3339))
	if err := os.WriteFile(filepath.Join(n.dir, "var/records/clock"), []byte(kept), 0o600); err != nil {
		t.Fatal(err)
	}
	n.start()
	n.until("the line", func(s *meshosv1.Snapshot) bool {
		return logged(s, "dropped 4 files of log records (numbers 1 to 4, ")
	})
	if got := n.must("logs", "-n", "100"); !strings.Contains(got, "they are older than records.keep_age (720h0m0s)") {
		t.Errorf("logs shows\n%s", got)
	}
	n.restart()
	n.until("a tick", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 3 })
	if got := strings.Count(n.must("logs", "--since", "all"), "an old line"); got != 36 {
		t.Errorf("%d of 36 old lines are left after a restart within the hour", got)
	}
}
