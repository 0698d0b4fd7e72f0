package plaintext

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"as it is\t", "as it is\t"},
		{"two\nlines", "two lines"},
		{"bell\a and \x1b[31mred", "bell\uFFFD and \uFFFD[31mred"},
		{"not \xff UTF-8", "not \uFFFD UTF-8"},
		{strings.Repeat("x", 40), strings.Repeat("x", 40)},
		{strings.Repeat("x", 41), strings.Repeat("x", 40) + " …"},
		{strings.Repeat("x", 39) + "ö", strings.Repeat("x", 39) + " …"}, // no half letter
	} {
		if got := Clean(c.in, 40); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\xff\x00\n", 2)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = max(limit, 0)
		got := Clean(s, limit)
		if !utf8.ValidString(got) || len(strings.TrimSuffix(got, " …")) > limit {
			t.Errorf("%q, %d bytes: %q", s, limit, got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r != '\t' && unicode.IsControl(r) }) {
			t.Errorf("control character in %q", got)
		}
	})
}
