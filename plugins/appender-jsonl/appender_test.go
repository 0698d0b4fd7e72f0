package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func failureRecord(epoch, seq uint64) *meshosv1.Record {
	return &meshosv1.Record{Kind: &meshosv1.Record_Failure{Failure: &meshosv1.FailureRecord{
		Epoch: epoch, Seq: seq, Source: "action:1", Reason: "test",
	}}}
}

func TestPluginStoresRecordsByChain(t *testing.T) {
	dir := t.TempDir()
	c := plugintest.Start(t, construct, config{}, plugintest.WithDataDir(dir))
	if err := c.Append(logRecord(7, 1), failureRecord(7, 1), logRecord(7, 2)); err != nil {
		t.Fatal(err)
	}
	if err := c.Append(logRecord(7, 2), logRecord(7, 3)); err != nil {
		t.Fatal(err)
	}
	wantContent(t, dir, text(entries(t, 7, 1, 3)))
	if got := content(t, dir, chainFailure); got != `{"failure":{"epoch":"7","seq":"1","source":"action:1","reason":"test"}}`+"\n" {
		t.Errorf("failure.jsonl holds %s", got)
	}
	if got := fileNames(t, dir); got != "appender-jsonl.lock failure.jsonl log.jsonl" {
		t.Errorf("files: %s", got)
	}
	st, err := os.Stat(filepath.Join(dir, "log.jsonl"))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("log.jsonl: %v, mode %v", err, st.Mode())
	}
}

func TestPluginRefusesABatchWithARecordItCannotWrite(t *testing.T) {
	dir := t.TempDir()
	c := plugintest.Start(t, construct, config{}, plugintest.WithDataDir(dir))
	err := c.Append(logRecord(7, 1), &meshosv1.Record{})
	if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "records[1] is a record of a chain that this plugin does not know") {
		t.Errorf("error %v, want INVALID_ARGUMENT that names the record", err)
	}
	wantContent(t, dir, "")
}

// A new configuration makes a new instance while the old one still has the folder.
// Nothing is lost or doubled.
func TestPluginIsConfiguredAgain(t *testing.T) {
	dir := t.TempDir()
	c := plugintest.Start(t, construct, config{}, plugintest.WithDataDir(dir))
	var want [][]entry
	for seq := uint64(1); seq <= 30; seq += 10 {
		for i := seq; i < seq+10; i++ {
			if err := c.Append(logRecord(7, i-min(i-1, 3)), logRecord(7, i)); err != nil {
				t.Fatal(err)
			}
		}
		want = append(want, entries(t, 7, seq, seq+9))
		if err := c.Reconfigure(config{MaxSize: 4096 + int64(seq)}); err != nil {
			t.Fatal(err)
		}
	}
	wantContent(t, dir, text(want...))
	other := filepath.Join(dir, "elsewhere")
	if err := c.ReconfigureRaw(map[string]any{"dir": "elsewhere"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Append(logRecord(7, 31)); err != nil {
		t.Fatal(err)
	}
	if got := content(t, other, chainLog); got != text(entries(t, 7, 31, 31)) {
		t.Errorf("elsewhere/log.jsonl holds %s", got)
	}
}

func TestPluginWarnsOfATornFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "audit.jsonl"), []byte(`{"audit":{"ep`), 0o600); err != nil {
		t.Fatal(err)
	}
	c := plugintest.Serve(t, construct, plugintest.WithDataDir(dir))
	warnings, err := c.Warnings(map[string]any{})
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "audit.jsonl: cut off a torn last line of 13 bytes") {
		t.Errorf("warnings %q, %v", warnings, err)
	}
}

func TestWrongConfigurations(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := plugintest.Serve(t, construct)
	for want, cfg := range map[string]map[string]any{
		"max_size": {"max_size": 100.0},
		"max_age":  {"max_age": "10ms"},
		"keep":     {"keep": 0.0},
		"size":     {"size": 1.0},
		"dir":      {"dir": file},
	} {
		err := c.ReconfigureRaw(cfg)
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want INVALID_ARGUMENT that names %s", cfg, err, want)
		}
	}
}

func TestFolderIsWrittenByOneProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), holdLock+"="+dir)
	stdin, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 7)
	if _, err := stdout.Read(said); err != nil || string(said) != "locked\n" {
		t.Fatalf("the other process said %q, %v", said, err)
	}
	c := plugintest.Serve(t, construct, plugintest.WithDataDir(dir))
	err = c.ReconfigureRaw(map[string]any{})
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), fmt.Sprintf("in use by another process (pid %d", other.Process.Pid)) {
		t.Errorf("error %v, want UNAVAILABLE that names the process", err)
	}
	_ = stdin.Close()
	if err := other.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := c.ReconfigureRaw(map[string]any{}); err != nil {
		t.Errorf("after the other process ended: %v", err)
	}
}

// Of two instances in one process the second waits for the first, as long as its
// caller waits.
func TestSecondInstanceWaitsForTheFirst(t *testing.T) {
	env := pluginsdk.Env{Log: hclog.NewNullLogger(), DataDir: t.TempDir()}
	cfg := config{MaxSize: 4096}
	first, err := construct(env, cfg)
	if err != nil {
		t.Fatal(err)
	}
	second, err := construct(env, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- second.Run(t.Context()) }()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := second.Append(ctx, []*meshosv1.Record{logRecord(7, 1)}); status.Code(err) != codes.Unavailable {
		t.Errorf("error %v, want UNAVAILABLE", err)
	}
	if err := first.Append(t.Context(), []*meshosv1.Record{logRecord(7, 1)}); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := first.Append(t.Context(), []*meshosv1.Record{logRecord(7, 9)}); status.Code(err) != codes.Unavailable {
		t.Errorf("append after Close: %v, want UNAVAILABLE", err)
	}
	if err := second.Append(t.Context(), []*meshosv1.Record{logRecord(7, 1), logRecord(7, 2)}); err != nil {
		t.Fatal(err)
	}
	if err := <-ran; err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	wantContent(t, env.DataDir, text(entries(t, 7, 1, 2)))
}

// With concurrent appends, each batch twice, every record is there once, and records of
// one epoch are in order.
func TestConcurrentAppends(t *testing.T) {
	dir := t.TempDir()
	c := plugintest.StartRaw(t, construct, map[string]any{"max_size": 4096.0, "keep": 1000.0}, plugintest.WithDataDir(dir))
	var wg sync.WaitGroup
	for epoch := uint64(1); epoch <= 8; epoch++ {
		wg.Go(func() {
			for seq := uint64(1); seq <= 40; seq += 4 {
				batch := []*meshosv1.Record{
					logRecord(epoch, seq), logRecord(epoch, seq+1), failureRecord(epoch, seq), logRecord(epoch, seq+2), logRecord(epoch, seq+3),
				}
				for range 2 {
					if err := c.Append(batch...); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	byEpoch := map[uint64]uint64{}
	for line := range bytes.Lines([]byte(content(t, dir, chainLog))) {
		k, err := check(chainLog, bytes.TrimSuffix(line, []byte("\n")))
		if err != nil || k.seq != byEpoch[k.epoch]+1 {
			t.Fatalf("%s: %v after seq %d", line, err, byEpoch[k.epoch])
		}
		byEpoch[k.epoch] = k.seq
	}
	for epoch := uint64(1); epoch <= 8; epoch++ {
		if byEpoch[epoch] != 40 {
			t.Errorf("epoch %d ends at seq %d, want 40", epoch, byEpoch[epoch])
		}
	}
	if n := strings.Count(content(t, dir, chainFailure), "\n"); n != 80 {
		t.Errorf("%d failures, want 80", n)
	}
}

// A chain that can't be written fails the call and does not disturb the others.
func TestAChainThatFailsDoesNotDisturbTheOthers(t *testing.T) {
	dir := t.TempDir()
	d := &faultyDisk{folder: folder(dir)}
	d.fail = func(op, name string) error {
		if op == "fsync" && name == "failure.jsonl" {
			return os.ErrInvalid
		}
		return nil
	}
	a := newAppender(pluginsdk.Env{Log: hclog.NewNullLogger()}, dir, config{MaxSize: 1 << 20}, d)
	if err := a.acquire(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	err := a.Append(t.Context(), []*meshosv1.Record{logRecord(7, 1), failureRecord(7, 1), logRecord(7, 2)})
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "failure.jsonl: fsync: ") || strings.Contains(err.Error(), "log.jsonl") {
		t.Errorf("error %v, want UNAVAILABLE that names failure.jsonl only", err)
	}
	wantContent(t, dir, text(entries(t, 7, 1, 2)))
}
