package config

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/meshos/meshos/internal/readfile"
)

// Peeked holds the settings that Peek was asked for; all others have their defaults.
type Peeked struct {
	Node      Node
	Operators Operators
}

// Peek reads the named keys of [node] and [operators], such as "node.socket", and
// ignores everything else, so that a running node can be asked while its file is being
// edited. Paths are absolute. The error is a *Report; it covers a file that can't be read,
// and the named keys.
func Peek(path string, keys ...string) (Peeked, error) {
	raw, err := readfile.Read(path, readfile.MaxText)
	if err != nil {
		return Peeked{}, unreadable(path, err)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return Peeked{}, unreadable(path, err)
	}
	c, err := peek(path, string(raw), keys)
	if err != nil {
		return Peeked{}, err
	}
	c.resolve(dir)
	return Peeked{Node: c.Node, Operators: c.Operators}, nil
}

// PeekText reads the named keys of a text as Peek does, but leaves relative paths as
// they are; file is the name that the *Report uses.
func PeekText(file, text string, keys ...string) (Peeked, error) {
	c, err := peek(file, text, keys)
	if err != nil {
		return Peeked{}, err
	}
	return Peeked{Node: c.Node, Operators: c.Operators}, nil
}

func peek(file, text string, keys []string) (*Config, error) {
	text = readfile.WithoutBOM(text)
	r := &reader{file: file}
	tree := r.decode(text)
	if tree == nil {
		return nil, &Report{Problems: r.problems}
	}
	syntax := r.problems
	r.problems, r.places = nil, findPlaces(text)
	c := Default()
	for _, section := range []sectionSpec{
		{name: "node", single: c.Node.settings()}, {name: "operators", single: c.Operators.settings()},
	} {
		known := keysOf(section.single)
		asked := slices.DeleteFunc(section.single, func(s setting) bool { return !slices.Contains(keys, section.name+"."+s.key) })
		if len(asked) == 0 {
			continue
		}
		r.peekSection(section.name, tree[section.name], asked)
		for _, p := range syntax {
			if mayBeAny(p, section.name, asked, known) {
				r.problems = append(r.problems, p)
			}
		}
	}
	if len(r.problems) > 0 {
		sortProblems(r.problems)
		return nil, &Report{Problems: r.problems}
	}
	return &c, nil
}

func (r *reader) peekSection(name string, v any, asked []setting) {
	at := place("").key(name)
	table, ok := v.(map[string]any)
	if v != nil && !ok {
		r.problem(name, fault{message: "must be one table, is " + describe(v)}, at)
		return
	}
	for _, s := range asked {
		if v, present := table[s.key]; present {
			r.valueProblem(name+"."+s.key, at.key(s.key), s.set(v))
		}
	}
}

// mayBeAny reports whether a line that is not TOML may have been meant to set one of the
// keys asked for: it names one, or it is in their section and names nothing known.
func mayBeAny(p Problem, section string, asked []setting, known []string) bool {
	key, inSection := strings.CutPrefix(p.Key, section+".")
	if !inSection {
		return p.Key == section || p.Key == ""
	}
	return slices.Contains(keysOf(asked), key) || !slices.Contains(known, key)
}
