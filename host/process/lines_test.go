package process_test

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/process"
)

func readAll(r io.Reader, maxLine int) []string {
	var got []string
	process.ReadLines(r, maxLine, func(line string, cut bool) {
		if cut {
			line += " [cut]"
		}
		got = append(got, line)
	})
	return got
}

func TestReadLines(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"one", "a\n", []string{"a"}},
		{"no end", "a\nb", []string{"a", "b"}},
		{"empty line", "a\n\nb\n", []string{"a", "", "b"}},
		{"carriage return", "a\r\nb\r\n", []string{"a", "b"}},
		{"just fits", "12345678\nb\n", []string{"12345678", "b"}},
		{"just fits with carriage return", "12345678\r\nb\n", []string{"12345678", "b"}},
		{"too long", "123456789\nb\n", []string{"12345678 [cut]", "b"}},
		{"too long without end", strings.Repeat("x", 20), []string{"xxxxxxxx [cut]"}},
		{"cut inside a character", "1234567é\nb\n", []string{"1234567 [cut]", "b"}},
		{"cut after a character", "123456é9\nb\n", []string{"123456é [cut]", "b"}},
		{"no text", "a\xff\xfeb\n", []string{"a\uFFFDb"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, readAll(strings.NewReader(c.in), 8)); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.want, readAll(iotest.OneByteReader(strings.NewReader(c.in)), 8)); d != "" {
				t.Error("byte by byte:", d)
			}
		})
	}
}

func TestReadLinesDeliversALongLineBeforeItEnds(t *testing.T) {
	r, w := io.Pipe()
	seen := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		process.ReadLines(r, 4, func(line string, _ bool) { seen <- line })
	}()
	fmt.Fprint(w, "123456") // and no end of line
	if got := <-seen; got != "1234" {
		t.Errorf("got %q", got)
	}
	w.Close()
	<-ended
}

func TestReadLinesCostsNoMoreThanALine(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := readAll(io.LimitReader(zeros{}, 256<<20), 1000)
	runtime.ReadMemStats(&after)
	if len(got) != 1 || len(got[0]) != 1000+len(" [cut]") {
		t.Errorf("%d lines", len(got))
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("a line of 256 MiB cost %d bytes", grown)
	}
}

func TestReadLinesHoldsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOf(rapid.SampledFrom([]byte("aé\r\n\x80\xff\xf0\x9f"))).Draw(t, "in")
		limit := rapid.IntRange(1, 12).Draw(t, "limit")
		lines := 0
		process.ReadLines(strings.NewReader(string(in)), limit, func(line string, _ bool) {
			lines++
			if !utf8.ValidString(line) || strings.Contains(line, "\n") {
				t.Fatalf("line %q", line)
			}
		})
		want := strings.Count(string(in), "\n")
		if len(in) > 0 && in[len(in)-1] != '\n' {
			want++
		}
		if lines != want {
			t.Fatalf("%d lines of %q, want %d", lines, in, want)
		}
	})
}

// Skipping changes neither how many lines there are nor what the others say.
func TestLinesThatAreNotWantedAreCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOf(rapid.SampledFrom([]byte("ab \r\n\n"))).Draw(t, "in")
		limit := rapid.IntRange(1, 5).Draw(t, "limit")
		all := readAll(strings.NewReader(string(in)), limit)
		pieces := &pieceReader{rest: in, next: func(most int) int { return rapid.IntRange(1, most).Draw(t, "piece") }}
		at, wanted := 0, false
		process.Lines{
			Max: limit,
			Each: func(line string, cut bool) {
				if cut {
					line += " [cut]"
				}
				if at >= len(all) || line != all[at] {
					t.Fatalf("line %d of %q is %q", at, all, line)
				}
				at++
			},
			Wanted: func() bool { wanted = rapid.Bool().Draw(t, "wanted"); return wanted },
			Skipped: func(n int, last []byte) {
				if n < 1 || at+n > len(all) {
					t.Fatalf("%d lines of %q are skipped at %d", n, all, at)
				}
				want := ""
				for _, line := range all[at : at+n] {
					// Of a cut line it is not known here whether its rest was blank, too.
					line, cut := strings.CutSuffix(line, " [cut]")
					if cut || strings.TrimSpace(line) != "" {
						want = line
					}
				}
				if got := strings.TrimRight(string(last), " \r"); !strings.HasPrefix(got, strings.TrimRight(want, " \r")) {
					t.Fatalf("the last of %q is %q, want %q", all[at:at+n], got, want)
				}
				at += n
			},
		}.Read(pieces)
		if at != len(all) {
			t.Fatalf("%d of %d lines", at, len(all))
		}
	})
}

// pieceReader reads pieces.
type pieceReader struct {
	rest []byte
	next func(most int) int
}

func (p *pieceReader) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.rest[:p.next(len(p.rest))])
	p.rest = p.rest[n:]
	return n, nil
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
