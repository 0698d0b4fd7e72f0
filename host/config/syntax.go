package config

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// mostBrokenLines is how many lines may be wrong before decode gives up.
const mostBrokenLines = 10

// decode reads TOML. A line that is not TOML is reported and left out, so that mistakes in
// other lines are found too. It returns nil if that does not help.
func (r *reader) decode(text string) map[string]any {
	if line := scan(text).tooDeep; line > 0 {
		// The library stores the whole path of each key, which would fill the memory.
		r.problems = append(r.problems, Problem{File: r.file, Line: line, Message: "is not a configuration: a key or list is nested too deeply"})
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
		p := Problem{File: r.file, Message: "is not TOML: " + err.Error()}
		var parse toml.ParseError
		if !errors.As(err, &parse) || parse.Position.Line < 1 || parse.Position.Line > len(lines) {
			r.problems = append(r.problems, p)
			return nil
		}
		p.Line = parse.Position.Line
		if strings.Contains(parse.Message, `but got '\n'`) && p.Line > 1 {
			p.Line-- // the line that ended too early, not the one after it
		}
		p.Message = "is not TOML: " + strings.TrimSuffix(parse.Message, ".")
		if begun := scan(strings.Join(lines, "\n")).unclosed; begun > 0 && strings.Contains(parse.Message, "unexpected EOF") {
			// The library reports the end of the file, which helps nobody.
			p.Line, p.Key = begun, r.keyOf(lines, begun).dotted()
			p.Hint = "close the string that begins here; nothing else was checked, so there may be more mistakes"
			r.problems = append(r.problems, p)
			return nil
		}
		line := &lines[p.Line-1]
		key := r.keyOf(lines, p.Line)
		p.Key, p.Hint = key.dotted(), hintForLine(*line)
		if strings.Contains(parse.Message, "already been defined") {
			p.Key, p.Hint = parse.LastKey, "remove one of the two"
		}
		bare := strings.TrimSpace(*line)
		if bare == "" || strings.HasPrefix(bare, "[") || len(r.problems) >= mostBrokenLines {
			p.Hint = "nothing else was checked, so there may be more mistakes"
			r.problems = append(r.problems, p)
			return nil
		}
		r.problems = append(r.problems, p)
		r.broken[key] = true
		*line = ""
	}
}

// keyOf returns the key that a line sets, as far as can be told. It reads the text only up
// to the end of that line.
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

// dotted returns a place as people write it, without the numbers of list items.
func (p place) dotted() string {
	var parts []string
	for _, part := range strings.Split(string(p), "\x1f")[1:] {
		name, _, _ := strings.Cut(part, "\x1e")
		parts = append(parts, bareKey(name))
	}
	return strings.Join(parts, ".")
}

// hintForLine recognises the most common mistake: a value without its quotes.
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
		return "whole numbers are from -9223372036854775808 to 9223372036854775807"
	}
	return "text and durations are written in quotes: " + slip[1] + " = " + quote(slip[2])
}
