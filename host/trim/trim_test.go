package trim

import (
	"runtime/debug"
	"testing"
)

const mb = 1 << 20

func TestMemoryIsGivenBackOnceTheProcessIsQuiet(t *testing.T) {
	var tr trimmer
	for _, step := range []struct {
		what    string
		now     usage
		want    bool
		trimmed uint64 // what is held afterwards
	}{
		{what: "the start", now: usage{allocated: 300 * mb, held: 300 * mb}},
		{what: "a flood", now: usage{allocated: 900 * mb, held: 300 * mb}},
		{what: "quiet", now: usage{allocated: 901 * mb, held: 300 * mb}, want: true, trimmed: 100 * mb},
		{what: "still quiet, with what it uses", now: usage{allocated: 902 * mb, held: 101 * mb}},
		{what: "a little garbage", now: usage{allocated: 915 * mb, held: 115 * mb}},
		{what: "much garbage after a long time", now: usage{allocated: 920 * mb, held: 150 * mb}, want: true, trimmed: 100 * mb},
	} {
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
