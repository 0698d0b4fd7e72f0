package trim

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// every is how often it is looked whether the process is quiet.
	every = 15 * time.Second
	// quietRate is how many bytes a second a quiet process allocates at most.
	quietRate = 1 << 20
	// worth is what must be to give back at least, beside a sixteenth of what is used: a
	// collection takes CPU time, and more of it the more is used.
	worth = 4 << 20
	// pause is how many times it is looked between two collections at least.
	pause = 4
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
				debug.FreeOSMemory()
				unmapProgram()
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
	last usage
	kept uint64 // what was held after it was given back last
	rest int    // how many times nothing is given back yet
}

// look reports whether memory is to be given back now. It is called every so often.
func (t *trimmer) look(now usage) bool {
	allocated := now.allocated - t.last.allocated
	first := t.last == usage{}
	t.last = now
	quiet := allocated < uint64(every/time.Second)*quietRate
	if t.rest > 0 {
		t.rest--
		return false
	}
	return !first && quiet && now.held >= t.kept+t.kept/16+worth
}

// trimmed notes what is held after memory was given back.
func (t *trimmer) trimmed(now usage) { t.last, t.kept, t.rest = now, now.held, pause-1 }

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
