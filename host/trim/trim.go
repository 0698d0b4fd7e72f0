package trim

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// every is how often it is looked whether the process is quiet.
	every = 15 * time.Second
	// quietRate is how many bytes a second a quiet process allocates at most.
	quietRate = 1 << 20
	// worth is what must be to give back at least, beside a share of what is used: a collection
	// takes CPU time, and more of it the more is used.
	worth = 1 << 20
	share = 64
	// pause is how many times it is looked between two collections at least, and one more time
	// for each perPause bytes that are used if there is little to give back: so collections take
	// the same share of the CPU time however much there is to look through.
	pause    = 4
	perPause = 8 << 20
)

// Run gives memory back whenever the process is quiet and has much more than it uses, until ctx
// ends.
func Run(ctx context.Context) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var t trimmer
	t.look(read())
	for {
		select {
		case <-ticker.C:
			if t.look(read()) {
				// What lies in pools of the runtime is garbage only for the second collection.
				runtime.GC()
				debug.FreeOSMemory()
				unmapFiles()
				t.trimmed(read())
			}
		case <-ctx.Done():
			return
		}
	}
}

// usage is what the runtime says of the memory of the process, in bytes.
type usage struct {
	allocated uint64 // since the start
	held      uint64 // of the heap, and not given back
}

// trimmer decides when to give memory back.
type trimmer struct {
	last  usage
	kept  uint64 // what was held after it was given back last
	since int    // how many times it was looked since then
}

// look reports whether memory is to be given back now. It is called every so often.
func (t *trimmer) look(now usage) bool {
	allocated := now.allocated - t.last.allocated
	first := t.last == usage{}
	t.last = now
	t.since++
	quiet := allocated < uint64(every/time.Second)*quietRate
	rests := t.kept > 0 && (t.since < pause || now.held < t.kept+t.kept/2 && t.since < pause+int(t.kept/perPause))
	return !first && quiet && !rests && now.held >= t.kept+t.kept/share+worth
}

// trimmed notes what is held after memory was given back.
func (t *trimmer) trimmed(now usage) { t.last, t.kept, t.since = now, now.held, 0 }

func read() usage {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	out := usage{allocated: samples[0].Value.Uint64()}
	for _, s := range samples[1:] {
		out.held += s.Value.Uint64()
	}
	return out
}
