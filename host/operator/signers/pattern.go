package signers

import "strings"

// match reports whether text matches a pattern, in which * stands for anything and ? for
// one character, as in OpenSSH.
func match(text, pattern string) bool {
	t, p := 0, 0
	star, retry := -1, 0 // the last * seen, and where in text to go on after it
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			retry++
			p, t = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchList reports whether text matches one of the patterns and none that begins
// with !.
func matchList(text string, patterns []string) bool {
	fits := false
	for _, p := range patterns {
		negated, is := strings.CutPrefix(p, "!")
		switch {
		case is && match(text, negated):
			return false
		case !is && match(text, p):
			fits = true
		}
	}
	return fits
}

func isPattern(s string) bool { return strings.ContainsAny(s, "*?") }
