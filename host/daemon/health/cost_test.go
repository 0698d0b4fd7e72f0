package health

import (
	"os/exec"
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

// BenchmarkExec measures what a check costs beside its own program: "cpu-ms/op" of exec
// minus that of its program alone has to stay within 3.
func BenchmarkExec(b *testing.B) {
	spawner := process.NewSpawner()
	defer spawner.Close()
	probe := Exec(spawner, program(process.Spec{Path: "/bin/true"}))
	for name, run := range map[string]func() string{
		"check": func() string { return probe.Ask(b.Context()).Failure },
		"program": func() string {
			if err := exec.Command("/bin/true").Run(); err != nil {
				return err.Error()
			}
			return ""
		},
	} {
		b.Run(name, func(b *testing.B) {
			before := cpu(b)
			for b.Loop() {
				if failure := run(); failure != "" {
					b.Fatal(failure)
				}
			}
			b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/1e6, "cpu-ms/op")
		})
	}
}
