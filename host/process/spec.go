package process

import (
	"os"
	"path/filepath"
)

// Spec is what to start, and how.
type Spec struct {
	// Path is the file to execute. A relative path is relative to this process's working
	// directory, also when Dir is set; PATH is never searched.
	Path string
	// Program is executed instead of the file at Path, which only names it then; nil for
	// that file.
	Program *Program
	// Lasting is for processes that go on when the watcher of a watched Spawner is killed.
	// They are recorded, so that the next Spawner can end what was left of them.
	Lasting bool
	// Args are the arguments without argv[0], which is Path as given.
	Args []string
	// Env is the whole environment, as KEY=VALUE; nil is an empty one.
	Env []string
	// Dir is the working directory; empty for this process's own.
	Dir string
	// ExtraFiles become descriptors 3, 4 … of the child, at most nine. They stay open in this
	// process; the caller closes them.
	ExtraFiles []*os.File
}

// executable returns the path for the kernel. It is absolute if Dir is set, because the child
// changes its directory before it executes the file.
func (s Spec) executable() (string, error) {
	if s.Dir == "" || filepath.IsAbs(s.Path) {
		return s.Path, nil
	}
	return filepath.Abs(s.Path)
}
