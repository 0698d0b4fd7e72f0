package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/internal/testneeds"
)

// program is a plugin of its own file, whose process the test replaces.
type program struct {
	*rig
	path string
	e    catalog.Entry
	runs int
}

func startProgram(t *testing.T, change ...func(*catalog.Entry)) *program {
	t.Helper()
	return startProgramIn(t, t.TempDir(), change...)
}

func startProgramIn(t *testing.T, dir string, change ...func(*catalog.Entry)) *program {
	t.Helper()
	p := &program{path: filepath.Join(dir, "plugin")}
	testkit.ProgramCopy(t, testPlugin, p.path)
	p.e = entry("p", "", append(change, func(e *catalog.Entry) { e.Path = p.path })...)
	p.rig = start(t, []catalog.Entry{p.e})
	return p
}

// settle waits until the file changed so long ago that its times tell it from a later version.
func (p *program) settle() {
	p.t.Helper()
	info := p.stat(p.path)
	changed := time.Unix(info.Ctim.Unix())
	p.until("the file has settled", func() bool { p.wakeSoon(); return time.Since(changed) > 2*time.Second })
}

// wakeSoon has until look again although nothing happens in the catalog.
func (p *program) wakeSoon() { time.AfterFunc(50*time.Millisecond, p.wake) }

// again replaces the process, and returns which copy the new one executes.
func (p *program) again() (copied uint64) {
	p.t.Helper()
	before := p.view("p").PID
	p.runs++
	p.e.Env = []string{"MODE=", fmt.Sprintf("RUN=%d", p.runs)}
	if err, config := p.Change(context.Background(), p.e); err != nil || config != nil {
		p.t.Fatal(err, config)
	}
	p.until("the next process is ready", func() bool {
		v := p.view("p")
		return v.Status == snapshot.PluginReady && v.PID != before
	})
	return p.copied()
}

// copied returns which copy the process executes.
func (p *program) copied() uint64 {
	p.t.Helper()
	return p.stat(fmt.Sprintf("/proc/%d/exe", p.waitFor("p", snapshot.PluginReady).PID)).Ino
}

func (p *program) stat(path string) (info syscall.Stat_t) {
	p.t.Helper()
	if err := syscall.Stat(path, &info); err != nil {
		p.t.Fatal(err)
	}
	return info
}

func TestAFileThatDidNotChangeIsNotReadAgain(t *testing.T) {
	p := startProgram(t)
	first := p.copied()
	p.settle()
	second := p.again()
	if second == first {
		t.Error("a copy is kept of a file that had just been written: its times do not tell it from a later version")
	}
	if third := p.again(); third != second {
		t.Error("the file did not change, and is read again")
	}
	sum := p.sum("p")
	if len(sum) != 64 {
		t.Errorf("its checksum is %q", sum)
	}

	// Another version in place, of the same size and with the same time of modification.
	info := p.stat(p.path)
	file, err := os.OpenFile(p.path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	const elfPadding = 9 // a byte that nobody looks at
	if _, err := file.WriteAt([]byte{1}, elfPadding); err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	if err := os.Chtimes(p.path, time.Unix(info.Atim.Unix()), time.Unix(info.Mtim.Unix())); err != nil {
		t.Fatal(err)
	}
	if after := p.stat(p.path); after.Size != info.Size || after.Mtim != info.Mtim {
		t.Fatalf("%+v and %+v differ already", info, after)
	}
	if p.again() == second || p.sum("p") == sum {
		t.Error("the file changed, and its old copy was executed")
	}
}

func TestAKeptCopyIsComparedWithAPinThatIsNew(t *testing.T) {
	p := startProgram(t)
	p.settle()
	p.again()
	p.e.SHA256 = fmt.Sprintf("%064d", 1)
	if err, config := p.Change(context.Background(), p.e); err != nil || config != nil {
		t.Fatal(err, config)
	}
	p.waitFor("p", snapshot.PluginRejected)
	p.e.SHA256 = ""
	if err, config := p.Change(context.Background(), p.e); err != nil || config != nil {
		t.Fatal(err, config)
	}
	p.waitFor("p", snapshot.PluginReady)
}

// On a tmpfs, a page that a writer has mapped and read can be written without a trace in the
// times of the file.
func TestNoCopyIsKeptOfAFileWhoseFileSystemHidesChanges(t *testing.T) {
	const shared = "/dev/shm"
	var system syscall.Statfs_t
	const tmpfs = 0x01021994
	if err := syscall.Statfs(shared, &system); err != nil || system.Type != tmpfs {
		testneeds.Missing(t, "no tmpfs is at %s", shared)
	}
	dir, err := os.MkdirTemp(shared, "meshos-kept-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := startProgramIn(t, dir)
	p.settle()
	p.again()
	before, sum := p.stat(p.path), p.sum("p")

	const elfPadding = 9 // a byte that nobody looks at
	file, err := os.OpenFile(p.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	text, err := syscall.Mmap(int(file.Fd()), 0, int(before.Size), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	if text[elfPadding] == 1 { // which maps the page
		t.Fatal("the byte is the other one already")
	}
	text[elfPadding] = 1
	if err := errors.Join(syscall.Munmap(text), file.Close()); err != nil {
		t.Fatal(err)
	}
	if after := p.stat(p.path); after.Ctim != before.Ctim {
		t.Logf("this kernel notes the change: %v, %v", before.Ctim, after.Ctim)
	}
	p.again()
	if p.sum("p") == sum {
		t.Error("the file changed, and its old copy was executed")
	}
}

// The checksum of a plugin that is not pinned waits for the starts of others, but not for ever.
func TestThePinOfAPluginThatRunsIsJudgedOnceItsChecksumIsKnown(t *testing.T) {
	t.Parallel()
	e := entry("p", "")
	r := start(t, []catalog.Entry{e, entry("q", "silent")})
	r.waitFor("p", snapshot.PluginReady)
	e.SHA256 = fmt.Sprintf("%064d", 1)
	r.change(e) // most likely before the checksum is known, since q does not start
	if v := r.waitFor("p", snapshot.PluginRejected); len(v.SHA256) != 64 {
		t.Errorf("its checksum is %q", v.SHA256)
	}
}
