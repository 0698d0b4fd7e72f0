package process

import (
	"os"
	"path/filepath"

	"github.com/meshos/meshos/host/process/order"
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
	// Local means that Path and Dir are on file systems for which this machine's kernel answers: no
	// execution waits for another machine or another program.
	Local bool
	// Env is the whole environment, as KEY=VALUE; nil is an empty one.
	Env []string
	// Dir is the working directory; empty for this process's own.
	Dir string
	// Rights are with which rights it runs; the zero value is those of this process.
	Rights Rights
	// ExtraFiles become descriptors 3, 4 … of the child, at most nine. They stay open in this
	// process; the caller closes them.
	ExtraFiles []*os.File
	// Cgroup is the folder of the control group that the process begins in; empty for that
	// of its parent. A process that can't begin there begins all the same: who cares looks
	// into the group.
	Cgroup string
	// Limits are resource limits (setrlimit) that it begins with. One that can't be set is
	// left as it is.
	Limits []Limit
	// Rest, if set, is called when the process has ended and before it is collected, in place
	// of the kill of its group: it ends what is left, or does not. Until it returns the
	// process keeps its pid, and its pipes stay open. A watched Spawner does not call it.
	Rest func()
}

// Limit is one resource limit, soft and hard.
type Limit = order.Limit

// executable returns the path for the kernel. It is absolute if Dir is set, because the child
// changes its directory before it executes the file.
func (s Spec) executable() (string, error) {
	if s.Dir == "" || filepath.IsAbs(s.Path) {
		return s.Path, nil
	}
	return filepath.Abs(s.Path)
}
