package config

import (
	"maps"
	"slices"
	"strings"
)

// reader reads one file and collects what is wrong with it.
type reader struct {
	file     string
	places   map[place]int
	broken   map[place]bool // keys in lines that are not TOML and were reported as that
	problems []Problem
	faults   []Problem
	required []Problem // the faults of plugins that are required
	warnings []Problem
}

// problem reports a mistake, at the first of the places that are in the file.
func (r *reader) problem(key string, f fault, places ...place) {
	r.problems = append(r.problems, r.at(key, f, places))
}

// fault reports what is wrong and does not keep a node from starting.
func (r *reader) fault(key string, f fault, places ...place) {
	r.faults = append(r.faults, r.at(key, f, places))
}

func (r *reader) warning(key string, f fault, places ...place) {
	r.warnings = append(r.warnings, r.at(key, f, places))
}

func (r *reader) at(key string, f fault, places []place) Problem {
	p := Problem{File: r.file, Key: key, Message: f.message, Hint: f.hint}
	for _, place := range places {
		if line, known := r.places[place]; known {
			p.Line = line
			break
		}
	}
	return p
}

// root reads all sections of a file.
func (r *reader) root(c *Config, tree map[string]any) {
	sections := c.sections()
	known := map[string]bool{}
	for _, s := range sections {
		known[s.name] = true
		v, present := tree[s.name]
		switch {
		case s.single != nil:
			r.single(s, v, present)
		case present:
			r.list(s, v)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		if !known[name] {
			r.problem(name, fault{message: "is not a section of meshos.toml", hint: hintForSection(name, sections)}, place("").key(name))
		}
	}
}

// single reads a section that may be there once. A missing section is an empty one.
func (r *reader) single(s sectionSpec, v any, present bool) {
	at := place("").key(s.name)
	table, ok := v.(map[string]any)
	if present && !ok {
		f := fault{message: "must be one table, is " + describe(v)}
		if _, list := v.([]map[string]any); list {
			f.hint = "write [" + s.name + "] once"
		}
		r.problem(s.name, f, at)
		return
	}
	r.table(s.name, at, table, s.single)
}

// list reads a section that may be there any number of times.
func (r *reader) list(s sectionSpec, v any) {
	at := place("").key(s.name)
	tables, ok := tablesOf(v)
	if !ok {
		f := fault{message: "must be a list of tables, is " + describe(v)}
		if _, table := v.(map[string]any); table {
			f.hint = "write [[" + s.name + "]] once for each"
		}
		r.problem(s.name, f, at)
		return
	}
	for i, table := range tables {
		r.table(s.name, at.item(i), table, s.add())
	}
}

// tablesOf accepts both ways to write a list of tables: [[name]], and in one line.
func tablesOf(v any) ([]map[string]any, bool) {
	switch v := v.(type) {
	case []map[string]any:
		return v, true
	case []any:
		var out []map[string]any
		for _, item := range v {
			table, ok := item.(map[string]any)
			if !ok {
				return nil, false
			}
			out = append(out, table)
		}
		return out, true
	}
	return nil, false
}

// table reads the keys of one table.
func (r *reader) table(name string, at place, values map[string]any, settings []setting) {
	known := map[string]bool{}
	for _, s := range settings {
		known[s.key] = true
		key := name + "." + s.key
		v, present := values[s.key]
		switch {
		case !present && s.need && r.broken[at.key(s.key)]:
		case !present && s.need:
			r.problem(key, fault{message: "is missing", hint: hintForMissing(name, s.key)}, at)
		case !present:
		case s.section != nil:
			if table, ok := v.(map[string]any); ok {
				r.table(key, at.key(s.key), table, s.section())
			} else {
				r.problem(key, *wrongType("a table", v), at.key(s.key))
			}
		default:
			r.valueProblem(key, at.key(s.key), s.set(v))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !known[key] {
			r.problem(name+"."+bareKey(key), fault{message: "is unknown", hint: hintForKey(key, keysOf(settings))}, at.key(key))
		}
	}
}

// valueProblem reports everything that is wrong with a value, or with parts of it.
func (r *reader) valueProblem(key string, at place, first *fault) {
	for f := first; f != nil; f = f.also {
		name, deepest := key, at
		places := []place{at}
		for _, below := range f.at {
			name, deepest = name+"."+bareKey(below), deepest.key(below)
			places = append(places, deepest)
		}
		slices.Reverse(places)
		r.problem(name, *f, places...)
	}
}

func hintForMissing(section, key string) string {
	switch {
	case section == "node" && key == "id":
		return "give every machine of the mesh a number of its own, from 1: [node] id = 1"
	case key == "id":
		return "add id with a whole number from 1"
	}
	return "add " + key
}

func hintForKey(key string, known []string) string {
	if near := nearest(strings.ToLower(key), known); near != "" {
		return "did you mean " + near + "?"
	}
	if home := homeOf(key); home != "" {
		return "it belongs in " + home
	}
	return "known keys: " + strings.Join(known, ", ")
}

// homeOf returns the only section that has a key, or "" if none or several have it.
func homeOf(key string) string {
	var found []string
	c := Default()
	for _, s := range c.sections() {
		if s.single != nil && slices.Contains(keysOf(s.single), key) {
			found = append(found, "["+s.name+"]")
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return ""
}

func hintForSection(name string, sections []sectionSpec) string {
	var names []string
	header := map[string]string{}
	for _, s := range sections {
		names = append(names, s.name)
		header[s.name] = "[[" + s.name + "]]"
		if s.single != nil {
			header[s.name] = "[" + s.name + "]"
		}
	}
	if near := nearest(strings.ToLower(name), names); near != "" {
		return "did you mean " + header[near] + "?"
	}
	if home := homeOf(name); home != "" {
		return "it belongs in " + home
	}
	return "known sections: " + strings.Join(names, ", ")
}
