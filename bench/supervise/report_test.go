package main

import (
	"os"
	"strings"
	"testing"
)

func TestWhatIsMissingHasNoRatio(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	f := Found{Daemons: 10, Node: median([]Cost{{Each: 500, CPU: 3}, {Each: 480, CPU: 1}, {Each: 490, CPU: 2}}), Runit: median(nil)}
	if err := f.print(&b); err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(strings.Split(b.String(), "\n")[1]); strings.Join(got[len(got)-4:], " ") != "kB 490 - -" {
		t.Errorf("prints\n%s", b.String())
	}
}

func TestThisProcessHasMemoryOfItsOwn(t *testing.T) {
	t.Parallel()
	if kb := private(os.Getpid()); kb < 100 {
		t.Errorf("%d kB", kb)
	}
	if p, ok := look(os.Getpid()); !ok || p.parent != os.Getppid() || len(p.args) == 0 {
		t.Errorf("it is %+v, %v", p, ok)
	}
}
