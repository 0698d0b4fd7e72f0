package trim

import (
	"runtime/debug"
	"testing"
)

const mb = 1 << 20

func TestMemoryIsGivenBackOnceTheProcessIsQuiet(t *testing.T) {
	var tr trimmer
	type step struct {
		what    string
		now     usage
		want    bool
		trimmed uint64 // what is held afterwards
	}
	steps := []step{
		{what: "the start", now: usage{allocated: 300 * mb, held: 300 * mb}},
		{what: "a flood", now: usage{allocated: 900 * mb, held: 300 * mb}},
		{what: "quiet", now: usage{allocated: 901 * mb, held: 300 * mb}, want: true, trimmed: 100 * mb},
		{what: "still quiet, with what it uses", now: usage{allocated: 902 * mb, held: 101 * mb}},
		{what: "a flood, a moment later", now: usage{allocated: 952 * mb, held: 151 * mb}},
		{what: "still too soon", now: usage{allocated: 953 * mb, held: 152 * mb}},
		{what: "a minute later", now: usage{allocated: 954 * mb, held: 153 * mb}, want: true, trimmed: 100 * mb},
		{what: "a flood", now: usage{allocated: 999 * mb, held: 180 * mb}},
		{what: "it goes on", now: usage{allocated: 1099 * mb, held: 180 * mb}},
		{what: "and on", now: usage{allocated: 1199 * mb, held: 180 * mb}},
		{what: "and on, a minute later", now: usage{allocated: 1299 * mb, held: 180 * mb}},
		{what: "quiet again", now: usage{allocated: 1300 * mb, held: 181 * mb}, want: true, trimmed: 100 * mb},
		{what: "a moment later", now: usage{allocated: 1301 * mb, held: 101 * mb}},
		{what: "and later", now: usage{allocated: 1302 * mb, held: 102 * mb}},
		{what: "and later still", now: usage{allocated: 1303 * mb, held: 103 * mb}},
		{what: "a little garbage", now: usage{allocated: 1303 * mb, held: 103 * mb}},
	}
	for range 11 {
		steps = append(steps, step{what: "soon after", now: usage{allocated: 1304 * mb, held: 104 * mb}})
	}
	steps = append(steps, step{what: "after some minutes", now: usage{allocated: 1305 * mb, held: 105 * mb}, want: true, trimmed: 100 * mb})
	for _, step := range steps {
		if got := tr.look(step.now); got != step.want {
			t.Errorf("%s: gives back: %v, want %v", step.what, got, step.want)
		}
		if step.trimmed > 0 {
			tr.trimmed(usage{allocated: step.now.allocated, held: step.trimmed})
		}
	}
}

func TestWhatIsHeldIsWhatTheRuntimeHasNotGivenBack(t *testing.T) {
	before := read()
	garbage := make([]byte, 64*mb)
	for i := 0; i < len(garbage); i += 4096 {
		garbage[i] = 1
	}
	full := read()
	if full.held < before.held+50*mb || full.allocated < before.allocated+64*mb {
		t.Errorf("64 MB more are %+v after %+v", full, before)
	}
	garbage = nil
	debug.FreeOSMemory()
	if now := read(); now.held+50*mb > full.held {
		t.Errorf("holds %d of %d MB after 64 were given back", now.held/mb, full.held/mb)
	}
}
