package config

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// mostBrokenLines is how many lines may be no TOML before the rest is not worth
// reading.
const mostBrokenLines = 10

// decode reads TOML. A line that is none is reported and left out, so that what
// else is wrong is found too; nil is for a text that can't be mended like that.
func (r *reader) decode(text string) map[string]any {
	if line := scan(text).tooDeep; line > 0 {
		// The library keeps the whole path of each key: the memory would not do.
		r.problems = append(r.problems, Problem{File: r.file, Line: line, Message: "is no configuration: a key or list lies absurdly deep"})
		return nil
	}
	lines := strings.Split(text, "\n")
	r.broken = map[place]bool{}
	for {
		var tree map[string]any
		_, err := toml.Decode(strings.Join(lines, "\n"), &tree)
		if err == nil {
			if tree == nil {
				tree = map[string]any{}
			}
			return tree
		}
		p := Problem{File: r.file, Message: "is no TOML: " + err.Error()}
		var parse toml.ParseError
		if !errors.As(err, &parse) || parse.Position.Line < 1 || parse.Position.Line > len(lines) {
			r.problems = append(r.problems, p)
			return nil
		}
		p.Line = parse.Position.Line
		if strings.Contains(parse.Message, `but got '\n'`) && p.Line > 1 {
			p.Line-- // the line that ended too early, not the one behind it
		}
		p.Message = "is no TOML: " + strings.TrimSuffix(parse.Message, ".")
		if begun := scan(strings.Join(lines, "\n")).unclosed; begun > 0 && strings.Contains(parse.Message, "unexpected EOF") {
			// TOML's own place is the end of the file, which says nothing.
			p.Line, p.Key = begun, r.keyOf(lines, begun).dotted()
			p.Hint = "close the text that begins here; nothing else was checked, there may be more mistakes"
			r.problems = append(r.problems, p)
			return nil
		}
		line := &lines[p.Line-1]
		key := r.keyOf(lines, p.Line)
		p.Key, p.Hint = key.dotted(), hintForLine(*line)
		if strings.Contains(parse.Message, "already been defined") {
			p.Key, p.Hint = parse.LastKey, "leave one of the two out"
		}
		bare := strings.TrimSpace(*line)
		if bare == "" || strings.HasPrefix(bare, "[") || len(r.problems) >= mostBrokenLines {
			p.Hint = "nothing else was checked; there may be more mistakes"
			r.problems = append(r.problems, p)
			return nil
		}
		r.problems = append(r.problems, p)
		r.broken[key] = true
		*line = ""
	}
}

// keyOf gives the key that a line sets, as far as it can be told. Only what
// stands before the line's end is looked at, so no line is read twice at length.
func (r *reader) keyOf(lines []string, line int) place {
	found := findPlaces(strings.Join(lines[:line], "\n"))
	var deepest place
	for _, p := range slices.Sorted(maps.Keys(found)) {
		if found[p] == line && len(p) > len(deepest) {
			deepest = p
		}
	}
	return deepest
}

// dotted gives a place as it is shown: without the numbers of list items.
func (p place) dotted() string {
	var parts []string
	for _, part := range strings.Split(string(p), "\x1f")[1:] {
		name, _, _ := strings.Cut(part, "\x1e")
		parts = append(parts, bareKey(name))
	}
	return strings.Join(parts, ".")
}

// hintForLine knows the commonest slip: a value that has to stand in quotes.
func hintForLine(line string) string {
	slip := regexp.MustCompile(`^\s*([\w-]+)\s*=\s*([^\s"'#\[{][^"'#]*?)\s*(#.*)?$`).FindStringSubmatch(line)
	if slip == nil {
		return ""
	}
	_, err := toml.Decode("value = "+slip[2], &map[string]any{})
	switch {
	case err == nil:
		return ""
	case strings.Contains(err.Error(), "out of range"):
		return "a whole number lies from -9223372036854775808 to 9223372036854775807"
	}
	return "text and durations stand in quotes: " + slip[1] + " = " + quote(slip[2])
}
