package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/internal/hangfs"
	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Who starts a node and reloads it at once must not end it: here it has not even read its
// configuration yet.
func TestAHangupOfANodeThatStartsIsAReload(t *testing.T) {
	t.Parallel()
	fs := hangfs.Mount(t)
	n := prepare(t)
	text := fmt.Sprintf("[node]\nid = 1\nlisten = \"\"\ndata_dir = %q\nsocket = %q\n", n.dir+"/var", n.dir+"/s")
	if err := os.WriteFile(filepath.Join(fs.Behind, "meshos.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n.config = filepath.Join(fs.Dir, "meshos.toml")
	n.serves(filepath.Join(n.dir, "s"))
	fs.Hang()
	late := time.AfterFunc(3*patience, fs.LetGo)
	defer late.Stop()
	defer fs.LetGo()
	n.start()
	testkit.Until(t, "the process that reads the configuration", func() bool {
		for _, child := range childrenOf(t, n.cmd.Process.Pid) {
			if cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child)); strings.Contains(string(cmdline), "file-reader") {
				return true
			}
		}
		return false
	})
	if err := n.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	fs.LetGo()
	n.until("the node to run", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 })
	testkit.Until(t, "the reload", func() bool { return strings.Contains(n.out.String(), "configuration reloaded") })
}
