package durable_test

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// groupSize is what a tick brings at most: the ring of audit records.
const groupSize = 256

// audit returns an audit record as the node writes it.
func audit(b *testing.B, seq uint64) segment.Entry {
	b.Helper()
	record := wire.Origin{Node: 1, Epoch: epoch}.Audit(mesh.AuditRecord{
		Seq: seq, Wall: noon(), Event: mesh.Cordon{Node: 4},
		Operators: []mesh.Operator{{KeyID: "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", Name: "alice@example.org", Verified: true}},
		Outcome:   mesh.Verification{Verdict: mesh.VerdictAccepted}, CommitID: make([]byte, 32),
	}, false)
	data, err := proto.Marshal(&meshosv1.Record{Kind: &meshosv1.Record_Audit{Audit: record}})
	if err != nil {
		b.Fatal(err)
	}
	return segment.Entry{Kind: segment.KindRecord, Epoch: epoch, Seq: seq, Wall: noon(), Data: data}
}

func onDisk(b *testing.B, dir string) (*durable.Log, disk.FS) {
	b.Helper()
	fs, err := disk.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	return open(b, fs), fs
}

// Audit records that are durable in a second: as the node writes them, and one by one
// with a sync each.
func BenchmarkDurableAudit(b *testing.B) {
	one := audit(b, 1)
	b.Run("group-commit", func(b *testing.B) {
		l, _ := onDisk(b, b.TempDir())
		group := make([]segment.Entry, groupSize)
		seq := uint64(0)
		for b.Loop() {
			for i := range group {
				seq++
				group[i] = one
				group[i].Seq = seq
			}
			write(b, l, group...)
		}
		b.ReportMetric(float64(seq)/b.Elapsed().Seconds(), "records/s")
	})
	b.Run("write-fsync", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "plain"))
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		n := 0
		for b.Loop() {
			if _, err := f.Write(one.Data); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
			n++
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
	})
}

// What a tick's write and sync take in a file that grows, and in one whose blocks are
// there before.
func BenchmarkPreallocation(b *testing.B) {
	for name, before := range map[string]int64{"grows": 0, "preallocated": 1 << 30} {
		for what, size := range map[string]int{"one-record": 250, "256-records": 250 * 256} {
			b.Run(name+"/"+what, func(b *testing.B) {
				f, err := os.Create(filepath.Join(b.TempDir(), "file"))
				if err != nil {
					b.Fatal(err)
				}
				defer func() { _ = f.Close() }()
				if before > 0 {
					if err := unix.Fallocate(int(f.Fd()), 0, 0, before); err != nil {
						b.Fatal(err)
					}
				}
				raw := make([]byte, size)
				at := int64(0)
				for b.Loop() {
					if _, err := f.WriteAt(raw, at); err != nil {
						b.Fatal(err)
					}
					if err := unix.Fdatasync(int(f.Fd())); err != nil {
						b.Fatal(err)
					}
					at += int64(size)
				}
			})
		}
	}
}

// million writes a log of 1,000,000 audit records.
func million(b *testing.B) disk.FS {
	b.Helper()
	l, fs := onDisk(b, b.TempDir())
	one := audit(b, 1)
	group := make([]segment.Entry, 10_000)
	for seq := uint64(1); seq <= 1_000_000; {
		for i := range group {
			group[i] = one
			group[i].Seq = seq
			seq++
		}
		write(b, l, group...)
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	return fs
}

// What a start takes with 1,000,000 audit records on disk, and the memory it needs.
func BenchmarkReplayMillion(b *testing.B) {
	fs := million(b)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for b.Loop() {
		l := open(b, fs)
		if l.Next() != 1_000_001 {
			b.Fatalf("%d records", l.Next()-1)
		}
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N)/(1<<20), "MiB/start")
}

// What it takes to check every byte of 1,000,000 audit records.
func BenchmarkVerifyMillion(b *testing.B) {
	fs := million(b)
	for b.Loop() {
		report, err := durable.Walk(fs, "audit", nil)
		if err != nil || len(report.Damage) > 0 || report.Records != 1_000_000 {
			b.Fatalf("%+v, %v", report, err)
		}
	}
	b.ReportMetric(1e6*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// How long a single record waits for the disk.
func BenchmarkDurableLatency(b *testing.B) {
	l, _ := onDisk(b, b.TempDir())
	one := audit(b, 1)
	took := make([]time.Duration, 0, 1<<16)
	for seq := uint64(1); b.Loop(); seq++ {
		one.Seq = seq
		begun := time.Now()
		write(b, l, one)
		took = append(took, time.Since(begun))
	}
	reportQuantiles(b, took)
}

func reportQuantiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
