package config

import "github.com/meshos/meshos/internal/readfile"

// Lines returns where the keys of a file are: a function from a list of tables such as
// "plugin", an index in it and the path of a key below that to its line, or to that of the
// nearest table above it. The line is 0 if the file can't be read.
func Lines(path string) func(list string, i int, keys ...string) int {
	raw, err := readfile.Read(path, readfile.MaxText)
	if err != nil {
		return func(string, int, ...string) int { return 0 }
	}
	places := findPlaces(readfile.WithoutBOM(string(raw)))
	return func(list string, i int, keys ...string) int {
		at := place("").key(list).item(i)
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
