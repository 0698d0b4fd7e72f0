// Package config reads meshos.toml.
//
// Load returns a complete Config, with defaults filled in and paths made absolute, or a
// *Report of every mistake in the file: each with its line, its key and what to do about
// it. Parse does the same with a text, without looking at the machine. Peek reads a few
// settings of a file that may have mistakes elsewhere.
//
// The package only reads: it starts, creates and changes nothing.
//
// To add a key, add a field in config.go, its default in defaults.go and one line in
// settings.go, which says what the key is called, which values are valid and which field
// they go to. Reading, the list of known keys and Effective all use that line.
package config
