package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// faultyDisk is a real folder whose calls fail as a test says, and are counted.
type faultyDisk struct {
	folder

	mu   sync.Mutex
	fail func(op, name string) error // nil: nothing fails
	torn int                         // bytes that get written before a write fails
	ops  []string
}

func (d *faultyDisk) hit(op, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ops = append(d.ops, op+" "+name)
	if d.fail == nil {
		return nil
	}
	return d.fail(op, name)
}

// failing lets one operation fail with err, until failing is called again.
func (d *faultyDisk) failing(op string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = func(got, _ string) error {
		if got == op {
			return err
		}
		return nil
	}
}

// count returns how often an operation was called since the last count.
func (d *faultyDisk) count(op string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, o := range d.ops {
		if o == op {
			n++
		}
	}
	d.ops = nil
	return n
}

func (d *faultyDisk) open(name string, create bool) (file, error) {
	if err := d.hit("open", name); err != nil {
		return nil, err
	}
	f, err := d.folder.open(name, create)
	if err != nil {
		return nil, err
	}
	return &faultyFile{file: f, name: name, disk: d}, nil
}

func (d *faultyDisk) rename(from, to string) error {
	if err := d.hit("rename", from); err != nil {
		return err
	}
	return d.folder.rename(from, to)
}

func (d *faultyDisk) remove(name string) error {
	if err := d.hit("remove", name); err != nil {
		return err
	}
	return d.folder.remove(name)
}

func (d *faultyDisk) sync() error {
	return d.hit("sync", "folder")
}

type faultyFile struct {
	file
	name string
	disk *faultyDisk
}

func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.disk.hit("write", f.name); err != nil {
		n, _ := f.file.WriteAt(p[:min(f.disk.torn, len(p))], off)
		return n, err
	}
	return f.file.WriteAt(p, off)
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.disk.hit("truncate", f.name); err != nil {
		return err
	}
	return f.file.Truncate(size)
}

func (f *faultyFile) Sync() error {
	return f.disk.hit("fsync", f.name) // no test can see what a real fsync does
}

// opened returns the chain of logs in dir, opened as a plugin opens it at its start.
func opened(t testing.TB, d disk, l limits) *chain {
	t.Helper()
	c := newChain(chainLog, d, l, hclog.NewNullLogger())
	if err := c.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.end() })
	return c
}

var roomy = limits{maxSize: 1 << 20}

func logRecord(epoch, seq uint64) *meshosv1.Record {
	return &meshosv1.Record{Kind: &meshosv1.Record_Log{Log: &meshosv1.LogRecord{
		Epoch: epoch, Seq: seq, Level: meshosv1.LogLevel_LOG_LEVEL_INFO, Node: 1, Message: fmt.Sprintf("line %d", seq),
	}}}
}

// entries makes the log records first … last of an epoch.
func entries(t testing.TB, epoch, first, last uint64) []entry {
	t.Helper()
	var out []entry
	for seq := first; seq <= last; seq++ {
		_, e, err := encode(logRecord(epoch, seq))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func mustAppend(t testing.TB, c *chain, batch []entry) {
	t.Helper()
	if err := c.append(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
}

// text returns the lines of the entries.
func text(batches ...[]entry) string {
	var b strings.Builder
	for _, batch := range batches {
		for _, e := range batch {
			b.Write(e.line)
		}
	}
	return b.String()
}

// content reads the chain's files, oldest first.
func content(t testing.TB, dir, chain string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, chain+"-*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	names = append(names, filepath.Join(dir, chain+".jsonl"))
	var b strings.Builder
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		b.Write(data)
	}
	return b.String()
}

func wantContent(t testing.TB, dir, want string) {
	t.Helper()
	if got := content(t, dir, chainLog); got != want {
		t.Fatalf("the files hold\n%s\nwant\n%s", got, want)
	}
}

// clock is a wall clock that a test sets.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }
