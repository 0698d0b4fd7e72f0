// Package config reads meshos.toml.
//
// Load answers with a complete Config, defaults filled in and paths made
// absolute, or with a *Report of every mistake in the file: each with its line,
// its key and what to do about it. Nothing is started, created or changed by
// reading.
//
// What a key is called, what it may hold and where it goes stands once, in
// settings.go; reading, the list of known keys and the effective configuration
// are made from that.
package config
