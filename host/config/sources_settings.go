package config

import (
	"maps"
	"slices"
	"strings"
)

// envFiles is a setting for one file of variables, or a list of them. One that may be missing
// has a hyphen in front.
func envFiles(key string, at *[]EnvFile) setting {
	var list []string
	many := texts(key, &list)
	return setting{
		key: key,
		set: func(v any) *fault {
			if one, ok := v.(string); ok {
				v = []any{one}
			} else if _, ok := v.([]any); !ok {
				return wrongType(`a path such as "/etc/app/env", or a list of them`, v)
			}
			if f := many.set(v); f != nil {
				return f
			}
			*at = nil
			for _, text := range list {
				path, optional := strings.CutPrefix(text, "-")
				if path == "" {
					return &fault{message: "names no file", hint: `for example env_file = "/etc/app/env", or "-/etc/app/env" for one that may be missing`}
				}
				*at = append(*at, EnvFile{Path: path, Optional: optional})
			}
			return nil
		},
		text: func() string {
			var shown []string
			for _, f := range *at {
				if f.Optional {
					f.Path = "-" + f.Path
				}
				shown = append(shown, f.Path)
			}
			switch len(shown) {
			case 0:
				return ""
			case 1:
				return quote(shown[0])
			}
			return inline(shown)
		},
	}
}

// environmentOrFiles is a setting for a table of environment variables, of which each is a
// text or { file = "PATH" }.
func environmentOrFiles(key string, at, from *map[string]string) setting {
	s := environment(key, at)
	set := s.set
	s.set = func(v any) *fault {
		table, ok := v.(map[string]any)
		if !ok {
			return set(v)
		}
		table = maps.Clone(table)
		files := make(map[string]string)
		var faults *fault
		for _, name := range slices.Sorted(maps.Keys(table)) {
			source, ok := table[name].(map[string]any)
			if !ok {
				continue
			}
			path, f := fileOf(source)
			if f != nil {
				f.at = []string{name}
				faults = faults.append(f)
			}
			files[name], table[name] = path, "" // so that the name is checked like the others
		}
		faults = faults.append(set(table))
		for name := range files {
			delete(*at, name)
		}
		if faults == nil { // else nobody has to look at them
			*from = files
		}
		return faults
	}
	s.text = func() string {
		if len(*at)+len(*from) == 0 {
			return ""
		}
		table := make(map[string]any)
		for name, value := range *at {
			table[name] = value
		}
		for name, path := range *from {
			table[name] = map[string]any{"file": path}
		}
		return inline(table)
	}
	return s
}

// fileOf returns the path in { file = "PATH" }.
func fileOf(table map[string]any) (string, *fault) {
	path, ok := table["file"].(string)
	if ok && path != "" && len(table) == 1 && !strings.ContainsRune(path, 0) {
		return path, nil
	}
	return "", &fault{message: "must be text, or a table with the path of a file", hint: `for example { file = "/etc/app/password" }`}
}
