package durable_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
)

// With these set the test binary is a writer that waits to be killed.
const (
	killedDir   = "MESHOS_TEST_RECORDS"
	killedEpoch = "MESHOS_TEST_EPOCH"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedDir); dir != "" {
		err := writeUntilKilled(dir, os.Getenv(killedEpoch))
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeUntilKilled prints the seq of each record once it is acknowledged.
func writeUntilKilled(dir, epoch string) error {
	number, err := strconv.ParseUint(epoch, 10, 64)
	if err != nil {
		return err
	}
	fs, err := disk.Open(dir)
	if err != nil {
		return err
	}
	l, err := durable.Open(durable.Options{FS: fs, Chain: "audit", SegmentSize: 8 << 10})
	if err != nil {
		return err
	}
	for _, f := range l.TakeFindings() {
		if !f.Damage.Torn {
			return errors.New(f.Text)
		}
	}
	for seq := uint64(1); seq < 1<<20; {
		var group []segment.Entry
		for range 1 + seq%7 {
			e := record(seq)
			e.Epoch = number
			group = append(group, e)
			seq++
		}
		if err := l.Append(group); err != nil {
			return err
		}
		if err := l.Sync(); err != nil {
			return err
		}
		if _, err := fmt.Println(seq - 1); err != nil {
			return err
		}
	}
	return errors.New("nobody killed it")
}

// oneLife runs a writer, kills it a moment after it has acknowledged enough records,
// and returns the last seq that it acknowledged.
func oneLife(t *testing.T, dir string, life, enough uint64) (acked uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killedDir+"="+dir, fmt.Sprintf("%s=%d", killedEpoch, life))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var killer *time.Timer
	for lines.Scan() {
		if acked, err = strconv.ParseUint(lines.Text(), 10, 64); err != nil {
			t.Fatal(err)
		}
		if killer == nil && acked >= enough {
			killer = time.AfterFunc(rand.N(time.Millisecond), func() { _ = cmd.Process.Kill() })
		}
	}
	err = cmd.Wait()
	if killer == nil || cmd.ProcessState.Exited() {
		t.Fatalf("life %d ended by itself: %v", life, err)
	}
	return acked
}

func TestB24_SIGKILLLosesNothingThatWasAcknowledged(t *testing.T) {
	dir := t.TempDir()
	const lives = 60
	acked := make([]uint64, lives+1)
	for life := uint64(1); life <= lives; life++ {
		acked[life] = oneLife(t, dir, life, 20+rand.N[uint64](60))
	}
	fs, err := disk.Existing(dir)
	if err != nil {
		t.Fatal(err)
	}
	last := uint64(0)
	seqs := make([]uint64, lives+1)
	report, err := durable.Walk(fs, "audit", func(e segment.Entry, number uint64) error {
		if number != last+1 || e.Epoch > lives || e.Seq != seqs[e.Epoch]+1 || string(e.Data) != string(record(e.Seq).Data) {
			return fmt.Errorf("entry %d holds seq %d of life %d, behind %d", number, e.Seq, e.Epoch, seqs[e.Epoch])
		}
		last, seqs[e.Epoch] = number, e.Seq
		return nil
	})
	if err != nil || len(report.Damage) > 0 {
		t.Fatalf("%v, %v", report.Damage, err)
	}
	for life := 1; life <= lives; life++ {
		if seqs[life] < acked[life] {
			t.Errorf("life %d acknowledged %d records, %d are there", life, acked[life], seqs[life])
		}
	}
	if report.Records < 1000 {
		t.Errorf("only %d records: it shows little", report.Records)
	}
}
