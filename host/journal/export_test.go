package journal

import "io"

// File is what a journal is written to.
type File interface {
	io.WriteCloser
	Sync() error
}

// WithFiles lets a test put its own files in the place of real ones.
func (o Options) WithFiles(create func(path string) (File, error)) Options {
	o.create = func(path string) (file, error) { return create(path) }
	return o
}

// Create makes a real file, as a Writer does.
func Create(path string) (File, error) { return create(path) }

// Differences lists what differs between two lines of JSON.
func Differences(a, b []byte) ([]Field, error) { return differences(a, b) }

// LimitLine makes a line longer than n bytes too long.
func (r *Reader) LimitLine(n int) { r.lines.max = n }
