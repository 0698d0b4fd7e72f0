package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func audited(seq uint64) mesh.AuditRecord {
	return mesh.AuditRecord{
		Seq: seq, Wall: noon().Add(time.Duration(seq) * time.Second), Event: mesh.Cordon{Node: 4},
		Operators: []mesh.Operator{{KeyID: "SHA256:abc", Name: "alice", Verified: true}},
		Outcome:   mesh.Verification{Verdict: mesh.VerdictAccepted},
	}
}

// auditFolder is a data directory with n audit records on disk.
func auditFolder(t *testing.T, n uint64) string {
	t.Helper()
	dir := t.TempDir()
	folder, err := disk.Open(filepath.Join(dir, "records", "audit"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := durable.Open(durable.Options{FS: folder, Chain: "audit"})
	if err != nil {
		t.Fatal(err)
	}
	var entries []segment.Entry
	for seq := uint64(1); seq <= n; seq++ {
		r := wire.Origin{Node: 1, Epoch: 9}.Audit(audited(seq), false)
		data, err := proto.Marshal(&meshosv1.Record{Kind: &meshosv1.Record_Audit{Audit: r}})
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, segment.Entry{Kind: segment.KindRecord, Epoch: 9, Seq: seq, Wall: noon(), Data: data})
	}
	for _, err := range []error{l.Append(entries), l.Sync(), l.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// notChecked is what is said of signatures where no configuration is.
const notChecked = "signatures not checked: no configuration is at hand; name a file of allowed signers with --signers\n"

func TestAuditVerify(t *testing.T) {
	dir := auditFolder(t, 3)
	for _, where := range []string{dir, dir + "/records", dir + "/records/audit", dir + "/records/audit/"} {
		s := &shell{}
		if code := s.run(t.Context(), "audit", "verify", where); code != exitDone {
			t.Fatalf("%s: exit code %d: %s", where, code, s.err.String())
		}
		if want := "audit    good: 3 records in 1 file\n" + notChecked; s.out.String() != want {
			t.Errorf("%s: says %q", where, s.out.String())
		}
	}
	file := dir + "/records/audit/0000000001.rec"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	raw[segment.HeaderSize+60] ^= 4
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &shell{}
	if code := s.run(t.Context(), "audit", "verify", dir); code != exitFailed {
		t.Errorf("exit code %d for a damaged file", code)
	}
	want := "audit    damaged: 0 records in 1 file\n" +
		"         " + file + " is damaged at offset 128, in record 1: its checksum is wrong\n" + notChecked
	if diff := cmp.Diff(want, s.out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if want := "meshos: " + dir + "/records is damaged in 1 place; make a copy before anything else writes there\n"; s.err.String() != want {
		t.Errorf("says %q", s.err.String())
	}
}

// A backup is compared with what it says that it holds: of a chain whose end is cut off at the end
// of a file, every byte that is left is right.
func TestAuditVerifyComparesABackupWithItsList(t *testing.T) {
	dir := auditFolder(t, 3)
	for list, want := range map[string]string{
		`"complete":true,"chains":{"audit":{"files":1,"records":"3","first":"1","last":"3"}}`: "backup   good: all that backup.json lists, of 2026-11-30 10:00:00 UTC\n",
		`"complete":true,"chains":{"audit":{"files":1,"records":"5","first":"1","last":"5"}}`: "backup   incomplete: backup.json lists 5 records of audit, and 3 are there\n",
		`"complete":true,"chains":{"log":{"files":1,"records":"9","first":"1","last":"9"}}`:   "backup   incomplete: backup.json lists 9 records of log, and its folder is gone\n",
		`"complete":false`: "backup   incomplete: it was not finished: run meshos records backup again\n",
	} {
		text := `{"format":1,"node":"1","version":"1","taken_at":"2026-11-30T10:00:00Z","height":"0",` + list + "}"
		if err := os.WriteFile(filepath.Join(dir, "backup.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, where := range []string{dir, dir + "/records"} {
			s := &shell{}
			code := s.run(t.Context(), "audit", "verify", where)
			if bad := strings.Contains(want, "incomplete"); (code == exitFailed) != bad || !strings.Contains(s.out.String(), want) {
				t.Errorf("%s: exit code %d:\n%s%s\nwant %q", list, code, s.out.String(), s.err.String(), want)
			}
		}
	}
}

func TestB24_AuditVerifyFindsRecordsThatWereCutOff(t *testing.T) {
	const where = "audit    damaged: 3 records in 1 file\n         "
	for name, c := range map[string]struct {
		cursors, want string
		code          int
	}{
		"as it was": {`{"audit":{"number":"3","epoch":"9","seq":"3"}}`, "audit    good: 3 records in 1 file\n", exitDone},
		"behind":    {`{"audit":{"number":"1","epoch":"9","seq":"1"}}`, "audit    good: 3 records in 1 file\n", exitDone},
		"cut off": {
			`{"audit":{"number":"5","epoch":"9","seq":"5"}}`,
			where + "the chain ends with record 3, but jsonl has record 5 (seq 5 of epoch 0000000000000009): the records after 3 were cut off or removed\n",
			exitFailed,
		},
		"another chain": {
			`{"audit":{"number":"2","epoch":"10","seq":"7"}}`,
			where + "jsonl has another record 2 (seq 7 of epoch 000000000000000a) than the chain (seq 2 of epoch 0000000000000009)\n",
			exitFailed,
		},
		"removed": {
			`{"audit":{"number":"3","epoch":"9","seq":"3"},"log":{"number":"8","epoch":"9","seq":"8"}}`,
			"log      missing: jsonl has its record 8\naudit    good: 3 records in 1 file\n",
			exitFailed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := auditFolder(t, 3) + "/records"
			if err := os.Mkdir(dir+"/cursors", 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, dir+"/cursors/jsonl", c.cursors)
			write(t, dir+"/cursors/.jsonl123", "half a cur") // one that is being written
			s := &shell{}
			if got := s.run(t.Context(), "audit", "verify", dir); got != c.code {
				t.Errorf("exit code %d: %s", got, s.err.String())
			}
			if diff := cmp.Diff(c.want+notChecked, s.out.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			exported := &shell{}
			code := exported.run(t.Context(), "audit", "export", dir)
			if warned := strings.Contains(exported.err.String(), "warning: "); warned != strings.Contains(c.want, "damaged") || warned != (code == exitFailed) {
				t.Errorf("exported with exit code %d: %s", code, exported.err.String())
			}
			if name == "removed" {
				return // the folder of one chain is checked without the others
			}
			t.Chdir(dir + "/audit")
			s = &shell{}
			if got := s.run(t.Context(), "audit", "verify", "."); got != c.code || s.out.String() != c.want+notChecked {
				t.Errorf("in the folder itself: exit code %d: %s", got, s.out.String())
			}
		})
	}
}

// If one appender's cursor is damaged, the records are checked all the same, and compared
// with the cursor of the other one.
func TestADamagedCursorHidesNoRecords(t *testing.T) {
	dir := auditFolder(t, 3) + "/records"
	if err := os.Mkdir(dir+"/cursors", 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/cursors/archive", "{\"audit")
	write(t, dir+"/cursors/jsonl", `{"audit":{"number":"5","epoch":"9","seq":"5"}}`)
	s := &shell{}
	code := s.run(t.Context(), "audit", "verify", dir)
	if code != exitFailed || !strings.Contains(s.out.String(), "audit    damaged: 3 records in 1 file\n         the chain ends with record 3, but jsonl has record 5") {
		t.Errorf("verified with exit code %d:\n%s", code, s.out.String())
	}
	if !strings.Contains(s.err.String(), "warning: cursors in "+dir+"/cursors/archive: ") || !strings.Contains(s.err.String(), "damaged in 2 places") {
		t.Errorf("says %q", s.err.String())
	}
	s = &shell{}
	code = s.run(t.Context(), "audit", "export", dir)
	if got := strings.Count(s.out.String(), "\n"); code != exitFailed || got != 3 || !strings.Contains(s.err.String(), "/cursors/archive: ") {
		t.Errorf("exported %d records with exit code %d: %s", got, code, s.err.String())
	}
}

func TestAuditVerifyWithoutRecords(t *testing.T) {
	empty := t.TempDir()
	for _, where := range []string{empty, empty + "/nothing"} {
		s := &shell{}
		if code := s.run(t.Context(), "audit", "verify", where); code != exitFailed ||
			!strings.Contains(s.err.String(), "name the node's data_dir or the folder records in it") {
			t.Errorf("exit code %d: %s", code, s.err.String())
		}
	}
}

func TestAuditExport(t *testing.T) {
	s := &shell{}
	if code := s.run(t.Context(), "audit", "export", auditFolder(t, 2)); code != exitDone {
		t.Fatalf("exit code %d: %s", code, s.err.String())
	}
	line := func(seq string) string {
		return `{"epoch":"9","seq":"` + seq + `","committed_at":"2026-01-02T12:00:0` + seq + `Z","event":{"cordon":{"node":"4"}},` +
			`"operators":[{"key_id":"SHA256:abc","name":"alice","verified":true}],"outcome":{"verdict":"VERDICT_ACCEPTED"},` +
			`"node":"1","epoch_hex":"0000000000000009"}` + "\n"
	}
	if diff := cmp.Diff(line("1")+line("2"), s.out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestOperator134_AuditTailFollowsAndWarnsOfMissingRecords(t *testing.T) {
	n, s := start(t)
	first := busy()
	rejected := audited(2)
	rejected.Operators[0].Verified = false
	rejected.Outcome = mesh.Verification{Verdict: mesh.VerdictRejected, Kind: "frozen", Message: "wait"}
	first.Audit = []mesh.AuditRecord{audited(1), rejected}
	first.Acknowledged.Audit = 1
	n.Show(first)
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() { ended <- s.run(ctx, "audit", "tail", "-f") }()
	testkit.Until(t, "what is there", func() bool { return strings.Contains(s.out.String(), "#2") })
	next := busy()
	next.Audit = []mesh.AuditRecord{audited(5)}
	next.Acknowledged.Audit = 5
	n.Show(next)
	testkit.Until(t, "the new record", func() bool { return strings.Contains(s.out.String(), "#5") })
	interrupt()
	if code := <-ended; code != exitDone {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
	want := `2026-01-02 12:00:01.000 #1 accepted   alice: cordon node 4
2026-01-02 12:00:02.000 #2 rejected   alice (claimed): cordon node 4 — frozen: wait (not durable)
2026-01-02 12:00:05.000 #5 accepted   alice: cordon node 4
`
	if diff := cmp.Diff(want, s.out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if want := "warning: 2 records missing here\n"; s.err.String() != want {
		t.Errorf("says %q", s.err.String())
	}
}

func TestAuditTailSince(t *testing.T) {
	n, s := start(t)
	shown := busy()
	shown.Audit = []mesh.AuditRecord{audited(1), audited(2), audited(3)}
	n.Show(shown)
	if code := s.run(t.Context(), "audit", "tail", "--since", "2026-01-02T12:00:02Z"); code != exitDone ||
		strings.Count(s.out.String(), "\n") != 2 || strings.Contains(s.out.String(), "#1 ") {
		t.Errorf("exit code %d: %s%s", code, s.out.String(), s.err.String())
	}
	if code := s.run(t.Context(), "audit", "tail", "--since", "noon"); code != exitUsage ||
		!strings.Contains(s.err.String(), `--since "noon" is not a time: want how long ago (2h, 7d), a day (2026-11-23), a minute`) {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}

// The clock was set back by an hour, so that a time leaves out records in the middle.
func TestATimeLeavesOutRecordsAndClaimsNoLoss(t *testing.T) {
	n, s := start(t)
	shown := busy()
	for seq := uint64(1); seq <= 9; seq++ {
		r := audited(seq)
		if seq >= 4 && seq <= 6 {
			r.Wall = r.Wall.Add(-time.Hour)
		}
		shown.Audit = append(shown.Audit, r)
	}
	n.Show(shown)
	for _, flags := range [][]string{
		{"--since", "2026-01-02T12:00:00Z"},
		{"--until", "2026-01-02T12:30:00Z", "--since", "2026-01-02T11:50:00Z"},
		{"--since", "2026-01-02T12:00:00Z", "-o", "json"},
		{"--since", "2026-01-02T12:00:00Z", "-n", "5"},
		{},
	} {
		s.out.Reset()
		s.err.Reset()
		if code := s.run(t.Context(), append([]string{"audit", "tail"}, flags...)...); code != exitDone || s.err.String() != "" {
			t.Errorf("%v: exit code %d, says %q", flags, code, s.err.String())
		}
		if out := s.out.String(); strings.Contains(out, "11:00:05") != (len(flags) == 0) || !strings.Contains(out, "12:00:09") {
			t.Errorf("%v shows\n%s", flags, out)
		}
	}
}

func TestAuditTailWarnsOfRecordsMissingAtTheBeginningOfARun(t *testing.T) {
	s := &shell{}
	show := &recordPrinter[meshosv1.AdminAuditRecord, *meshosv1.AdminAuditRecord]{
		a:    &app{out: &s.out, err: &s.err, zone: time.UTC, env: func(string) string { return "" }},
		line: func(r *meshosv1.AdminAuditRecord) (string, error) { return view.Printer{}.AuditRecord(r), nil },
	}
	for _, at := range []struct{ epoch, seq uint64 }{{7, 5}, {7, 6}, {8, 1}, {9, 3}, {9, 5}} { // what is missing of the oldest run is not known
		record := wire.Origin{Node: 1, Epoch: at.epoch}.Audit(audited(at.seq), false)
		if err := show.print(record); err != nil {
			t.Fatal(err)
		}
	}
	if want := "warning: 2 records missing here\nwarning: 1 record missing here\n"; s.err.String() != want {
		t.Errorf("says %q", s.err.String())
	}
	if want := "-- the node started again: epoch 0000000000000009 --\n"; strings.Count(s.out.String(), want) != 1 {
		t.Errorf("prints %s", s.out.String())
	}
}

func TestAuditVerifyShowsTheFirstOfManyDamages(t *testing.T) {
	s := &shell{}
	places := make([]string, 25)
	for i := range places {
		places[i] = fmt.Sprintf("place %d", i+1)
	}
	(&app{out: &s.out}).showPlaces(places)
	if got := s.out.String(); strings.Count(got, "\n") != 21 || !strings.HasSuffix(got, "         place 20\n         and 5 more\n") {
		t.Errorf("says %q", got)
	}
}
