package catalog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/readfile"
)

// fileStamp tells one version of a file from another without reading it.
type fileStamp struct {
	hung   bool // its file system does not answer; nothing else is known
	exists bool
	size   int64
	device uint64
	mtime  int64 // in nanoseconds since 1970, as changed
	inode  uint64
	mode   fs.FileMode
	// changed is when its owner, mode or content changed last.
	changed int64
}

// stampWithin is how long the file system of a plugin may take to answer, each time that it
// is looked at the plugin's file.
const stampWithin = time.Second

// stampOf returns the stamp of a file. A file that can't be examined counts as missing.
func stampOf(ctx context.Context, path string) fileStamp {
	info, err := readfile.Look(ctx, path, stampWithin)
	var hung *readfile.HungError
	switch {
	case errors.As(err, &hung), ctx.Err() != nil:
		return fileStamp{hung: true}
	case err != nil:
		return fileStamp{}
	}
	return fileStamp{exists: true, size: info.Size, mtime: info.ModTime.UnixNano(), device: info.Device, inode: info.Inode, mode: info.Mode, changed: info.Changed}
}

// fileWatch notices that a plugin's file was replaced.
type fileWatch struct {
	atTry, last fileStamp
}

// tried notes the file of a try.
func (w *fileWatch) tried(now fileStamp) { w.atTry, w.last = now, now }

// replaced reports whether the file is another one than at the last try, and the same at this
// look as at the one before: one that is still being written is not tried.
func (w *fileWatch) replaced(now fileStamp) bool {
	before := w.last
	w.last = now
	return !now.hung && now != w.atTry && now == before
}

const (
	// maxProgram is the size of the largest file that is taken for a plugin, in bytes.
	maxProgram = 1 << 30
	// loadTimeout is how long the file may take to be read.
	loadTimeout = 30 * time.Second
)

// load returns a copy of a plugin's file. What is executed later is that copy. The caller
// verifies it, and calls done when it is not needed any more.
func (s *slot) load(ctx context.Context, spawner *process.Spawner) (*program, error) {
	e := s.triedEntry
	if p := s.kept.of(s.file.atTry); p != nil {
		return p, nil
	}
	s.kept.drop()
	ctx, cancel := context.WithTimeoutCause(ctx, loadTimeout, fmt.Errorf("not read within %v", loadTimeout))
	defer cancel()
	began := time.Now()
	copied, err := spawner.Load(ctx, e.Path, process.LoadOptions{MaxSize: maxProgram, Dir: s.opts.DataDir})
	if err != nil {
		return nil, s.loadError(err)
	}
	if copied.Mode&0o111 == 0 {
		copied.Close()
		return nil, &Error{
			Plugin: e.Name, Step: "start", Rejected: true,
			Problem: fmt.Sprintf("%s is not executable (mode %v)", e.Path, copied.Mode), Remedy: "chmod +x it",
		}
	}
	if !copied.Sealed() {
		s.warnUnsealed()
	}
	return newProgram(copied, s.file.atTry, began), nil
}

// verify compares the hash of a program with the pin of its entry, if that has one. Otherwise
// the hash is for people alone, and computed later (learn).
func (s *slot) verify(p *program) error {
	e := s.triedEntry
	if e.SHA256 == "" {
		s.setHash(p.known())
		return nil
	}
	sum, err := p.hash()
	s.setHash(sum)
	if err != nil {
		return s.newError("verify", fmt.Sprintf("the copy of %s can't be read: %v", e.Path, err), "it is tried again", err)
	}
	if sum == e.SHA256 {
		return nil
	}
	return &Error{
		Plugin: e.Name, Step: "verify", Rejected: true, Entry: true,
		Problem: fmt.Sprintf("%s has the wrong checksum: expected sha256 %s, got %s (%d bytes, modified %s)",
			e.Path, e.SHA256, sum, p.Size(), p.ModTime.UTC().Format(time.RFC3339)),
		Remedy: fmt.Sprintf("if this is the file you want, put sha256 = %q into its entry in meshos.toml", sum),
	}
}

func (s *slot) setHash(sum string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sha256 = sum
}

// learn computes the hash of a program that runs, once no plugin is being started any more.
func (s *slot) learn(i *instance, calm *calm) {
	calm.await(i.proc.Done(), hashWithin)
	sum, err := i.program.hash()
	if err != nil {
		s.opts.Log(mesh.LevelWarn, s.entry().Name, fmt.Sprintf("the checksum of what it executes is not known: %v", err))
		return
	}
	s.setHash(sum)
	s.wakeUp() // its entry may have been given a checksum meanwhile
}

// hashWithin is how long the hash of what runs may wait for the starts of others.
const hashWithin = time.Second

// buildIt is the remedy for a file that is missing.
const buildIt = `build it with "make build", or set path`

// loadError returns what it means that a plugin's file could not be copied.
func (s *slot) loadError(err error) error {
	path := s.entry().Path
	reject := func(problem, remedy string) *Error {
		return &Error{Plugin: s.entry().Name, Step: "start", Problem: problem, Remedy: remedy, Rejected: true, Err: err}
	}
	rejectPath := func(problem, remedy string) error {
		e := reject(problem, remedy+" in its entry in meshos.toml")
		e.Entry = true
		return e
	}
	var abandoned *process.AbandonedError
	var load *process.LoadError
	switch {
	case errors.As(err, &abandoned):
		s.setProcess(abandoned.Process)
		return s.newError("verify", fmt.Sprintf("%s: %v, and process %d, which reads it, hangs in the kernel", path, abandoned.Err, abandoned.Process.Pid()),
			"check the file system that it is on", err)
	case !errors.As(err, &load):
		return s.newError("verify", err.Error(), "check the file system that it is on, and who holds a lease on it; it is tried again", err)
	case errors.Is(err, fs.ErrNotExist):
		return rejectPath(path+" does not exist", buildIt)
	case load.Cause == process.LoadOpen && errors.Is(err, fs.ErrPermission):
		return reject(path+" can't be read: permission denied", "let the host's user read and execute it")
	case load.Cause == process.LoadOpen && errors.Is(err, syscall.EAGAIN):
		return s.newError("verify", path+" can't be opened: somebody holds a lease on it", "find out who; it is tried again", err)
	case load.Cause == process.LoadOpen:
		return rejectPath(load.Error(), "set path to a binary")
	case load.Cause == process.LoadBusy:
		return s.hostError("verify", path+" is being written", "it is tried again when it is complete", err)
	case load.Mode.IsDir():
		return rejectPath(path+" is a directory", "set path to the binary inside")
	case load.Cause == process.LoadKind:
		return rejectPath(path+" is not a regular file", "set path to a binary")
	case load.Cause == process.LoadTooLarge:
		return rejectPath(fmt.Sprintf("%s has %d bytes, more than a plugin may have (%d)", path, load.Size, maxProgram), "set path to a binary")
	case load.Cause == process.LoadRead:
		return s.newError("verify", load.Error(), "check the file system that it is on; it is tried again", err)
	}
	return s.newError("verify", load.Error(), "give the host memory, or room in node.data_dir; it is tried again", err)
}

// warnUnsealed says, once for each plugin, what its checksum is worth on this system.
func (s *slot) warnUnsealed() {
	s.mu.Lock()
	known := s.unsealed
	s.unsealed = true
	s.mu.Unlock()
	if !known {
		s.opts.Log(mesh.LevelWarn, s.entry().Name, unsealedWarning)
	}
}

const unsealedWarning = "this system executes no memory (vm.memfd_noexec), so the checked copy of its file is in node.data_dir, where another plugin of the same user could change it"
