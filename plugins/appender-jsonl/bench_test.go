package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/pluginsdk"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// BenchmarkAppend measures one call with a batch of the log, with and without waiting for
// a disk.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 256} {
		for _, real := range []bool{true, false} {
			b.Run(fmt.Sprintf("%d records/fsync %v", size, real), func(b *testing.B) {
				dir := b.TempDir()
				var d disk = folder(dir)
				if !real {
					d = &faultyDisk{folder: folder(dir)}
				}
				cfg := config{MaxSize: 64 << 20, MaxAge: pluginsdk.Duration(24 * time.Hour), Keep: 1}
				a := newAppender(pluginsdk.Env{Log: hclog.NewNullLogger()}, dir, cfg, d)
				if err := a.acquire(b.Context(), false); err != nil {
					b.Fatal(err)
				}
				defer a.Close()
				batch := make([]*meshosv1.Record, size)
				seq := uint64(0)
				b.ReportAllocs()
				for b.Loop() {
					for i := range batch {
						seq++
						batch[i] = logRecord(7, seq)
					}
					if err := a.Append(b.Context(), batch); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(seq)/b.Elapsed().Seconds(), "records/s")
			})
		}
	}
}

// BenchmarkOpen measures a start with a full file of the default size.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	c := opened(b, folder(dir), limits{maxSize: 64 << 20})
	for seq := uint64(1); c.size < 60<<20; seq += 20000 {
		mustAppend(b, c, entries(b, 7, seq, seq+19999))
	}
	b.SetBytes(c.size)
	for b.Loop() {
		again := newChain(chainLog, folder(dir), limits{maxSize: 64 << 20}, hclog.NewNullLogger())
		if err := again.open(); err != nil {
			b.Fatal(err)
		}
		_ = again.end()
	}
}
