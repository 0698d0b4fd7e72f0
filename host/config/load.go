package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/meshos/meshos/internal/readfile"
)

// lookWithin is how long the file systems of what a configuration names may take to answer.
const lookWithin = 2 * time.Second

// Load reads and checks a file. The error is a *Report of all its mistakes. It takes no
// longer than twice readfile.Within, whatever the paths lead to.
func Load(path string) (*Config, error) { return load(path, lookWithin) }

func load(path string, lookWithin time.Duration) (*Config, error) {
	raw, err := readfile.Read(path, readfile.MaxText)
	if err != nil {
		return nil, unreadable(path, err)
	}
	r := &reader{file: path}
	c := r.read(string(raw))
	if c != nil {
		dir, err := filepath.Abs(filepath.Dir(path))
		if err != nil {
			return nil, &Report{Problems: []Problem{{File: path, Message: fmt.Sprintf("can't find the folder of the file: %v", err)}}}
		}
		c.resolve(dir)
		r.checkFiles(c, lookWithin)
	}
	return r.result(c)
}

// Parse reads and checks a text as Load does, but does not check whether files exist, and
// leaves relative paths as they are. The error is a *Report; file is the name that it
// uses.
func Parse(file, text string) (*Config, error) {
	r := &reader{file: file}
	return r.result(r.read(text))
}

func (r *reader) result(c *Config) (*Config, error) {
	sortProblems(r.faults)
	sortProblems(r.warnings)
	if len(r.problems) > 0 {
		all := append(r.problems, r.faults...)
		sortProblems(all)
		return nil, &Report{Problems: all, Warnings: r.warnings}
	}
	c.Warnings, c.Faults, c.Unstartable = r.warnings, r.faults, r.required
	return c, nil
}

func unreadable(path string, err error) *Report {
	p := Problem{File: path, Message: "can't be read: " + err.Error()}
	var kind *readfile.NotRegularError
	var large *readfile.TooLargeError
	switch {
	case errors.As(err, &kind):
		p.Message = "is " + kind.What + ", not a regular file"
		p.Hint = "say where the configuration is with --config FILE"
	case errors.As(err, &large):
		p.Message = fmt.Sprintf("is larger than %d MiB, which no configuration is", large.Most>>20)
		p.Hint = "say where the configuration is with --config FILE"
	case errors.Is(err, fs.ErrNotExist):
		p.Message = "there is no such file"
		p.Hint = "say where it is with --config FILE, or start from the meshos.toml that comes with meshos"
	case errors.Is(err, fs.ErrPermission):
		p.Message = "may not be read by this user"
	}
	return &Report{Problems: []Problem{p}, cause: err}
}

// read reads a text. It returns nil if the text is not TOML.
func (r *reader) read(text string) *Config {
	text = readfile.WithoutBOM(text)
	tree := r.decode(text)
	if tree == nil {
		return nil
	}
	r.places = findPlaces(text)
	c := Default()
	c.File = r.file
	c.Node.Name = machineName()
	r.root(&c, tree)
	r.check(&c)
	return &c
}

func machineName() string {
	if name, err := os.Hostname(); err == nil && name != "" {
		return name
	}
	return "localhost"
}
