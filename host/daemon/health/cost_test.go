package health

import (
	"log/slog"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/process"
)

// cpu returns the CPU time of this process and of its children that have ended.
func cpu(b *testing.B) (all time.Duration) {
	b.Helper()
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if err := unix.Getrusage(who, &u); err != nil {
			b.Fatal(err)
		}
		all += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return all
}

// BenchmarkExec measures what a check costs beside its own program: "cpu-ms/op" of check
// minus that of program has to stay within 3.
func BenchmarkExec(b *testing.B) {
	b.Run("program", func(b *testing.B) {
		before := cpu(b)
		for b.Loop() {
			if err := exec.Command("/bin/true").Run(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/1e6, "cpu-ms/op")
	})
	b.Run("check", func(b *testing.B) {
		small := smallProgram(b)
		defer small.Close()
		before := cpu(b)
		spawner, err := process.NewWatched(process.WatchOptions{
			Record: filepath.Join(b.TempDir(), "processes.json"), Program: small, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			b.Fatal(err)
		}
		probe := Exec(spawner, program(process.Spec{Path: "/bin/true"}))
		for b.Loop() {
			if failure := probe.Ask(b.Context()).Failure; failure != "" {
				b.Fatal(failure)
			}
		}
		spawner.Close() // the time of the watcher and of its children counts when it has ended
		b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/1e6, "cpu-ms/op")
	})
}

// smallProgram builds what a node executes for its checks.
func smallProgram(b *testing.B) *process.Program {
	b.Helper()
	path := filepath.Join(b.TempDir(), "meshos-shim")
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", path, "../../../cmd/meshos-shim")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	spawner := process.NewSpawner()
	defer spawner.Close()
	p, err := spawner.Load(b.Context(), path, process.LoadOptions{MaxSize: 64 << 20, Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	return p
}
