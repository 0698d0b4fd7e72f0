package config

import "github.com/meshos/meshos/internal/readfile"

// Lines returns where the keys of a file are: a function from the index of a [[plugin]] and
// the path of a key below it to its line, or to that of the nearest table above it. The
// line is 0 if the file can't be read.
func Lines(path string) func(plugin int, keys ...string) int {
	raw, err := readfile.Read(path, readfile.MaxText)
	if err != nil {
		return func(int, ...string) int { return 0 }
	}
	places := findPlaces(readfile.WithoutBOM(string(raw)))
	return func(plugin int, keys ...string) int {
		at := place("").key("plugin").item(plugin)
		line := places[at]
		for _, key := range keys {
			at = at.key(key)
			if found, known := places[at]; known {
				line = found
			}
		}
		return line
	}
}
