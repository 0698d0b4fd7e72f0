package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// cp writes into the file, which the kernel refuses while somebody executes it.
func TestTheProgramCanBeReplacedWhileDaemonsGoOnWithoutTheNode(t *testing.T) {
	n := prepare(t)
	installed := filepath.Join(n.dir, "meshos")
	copyFile(t, filepath.Join(bin, "meshos"), installed)
	n.wrap = func(cmd *exec.Cmd) { cmd.Path, cmd.Args[0] = installed, installed }
	n.start()
	n.until("the daemon", running)
	before := n.daemon(1)
	n.end()
	copyFile(t, filepath.Join(bin, "meshos"), installed)
	if name, _ := os.ReadFile("/proc/" + strconv.Itoa(before.Shim.PID) + "/comm"); strings.TrimSpace(string(name)) != "meshos-shim" {
		t.Errorf("ps shows %q", name)
	}
	n.start()
	n.until("the adopted daemon", func(s *meshosv1.Snapshot) bool {
		return running(s) && s.GetDaemons()[0].GetPid() == int64(before.Process.PID)
	})
	n.end()
	copyFile(t, filepath.Join(bin, "meshos"), installed)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", from, to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
}
