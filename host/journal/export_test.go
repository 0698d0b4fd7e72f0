package journal

import "io"

// File is what a journal is written to.
type File interface {
	io.WriteCloser
	Sync() error
}

// WithFiles replaces real files by those that create returns.
func (o Options) WithFiles(create func(path string) (File, error)) Options {
	o.create = func(path string) (file, error) { return create(path) }
	return o
}

// Create creates a real file, as a Writer does.
func Create(path string) (File, error) { return create(path) }

// Differences lists the fields that differ between two lines of JSON.
func Differences(a, b []byte) ([]Field, error) { return differences(a, b) }

// NewReader reads a journal that is all in one stream. name stands for the file in errors.
func NewReader(name string, from io.Reader) *Reader {
	return &Reader{file: name, closer: io.NopCloser(from), lines: newLines(from)}
}

// LimitLine makes a line of more than n bytes too long.
func (r *Reader) LimitLine(n int) { r.lines.max = n }
