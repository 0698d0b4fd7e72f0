package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/meshos/meshos/internal/hangfs"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/internal/testneeds"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// measured returns a node with only the inventory plugin, whose facts go 3 s after they were
// measured. more ends the configuration.
func measured(t *testing.T, more string) *node {
	return prepare(t, func(string) string { return measuring(more) })
}

func measuring(more string) string {
	return fmt.Sprintf("[node]\nid = 1\nlisten = \"\"\n[loop]\ntick_interval = \"50ms\"\nsample_ttl = \"3s\"\n%s", more)
}

func inventoryPlugin(config string) string {
	return fmt.Sprintf("[[plugin]]\nname = \"inventory-procfs\"\npath = %q\n[plugin.config]\ninterval = \"100ms\"\nhardware_interval = \"1s\"\n%s",
		filepath.Join(bin, "plugins", "inventory-procfs"), config)
}

func own(s *meshosv1.Snapshot) *meshosv1.PeerInventory { return peer(s, 1).GetInventory() }

// lists reports whether an inventory lists the file system of a path.
func lists(in *meshosv1.PeerInventory, path string) bool {
	for _, d := range in.GetDisks() {
		if d.GetPath() == path {
			return true
		}
	}
	return false
}

// A network file system whose server is gone must not be shown as it was for ever, and takes
// nothing else away.
func TestADiskThatHangsIsUnknownAfterAWhile(t *testing.T) {
	t.Parallel()
	disk := hangfs.Mount(t)
	n := measured(t, inventoryPlugin(fmt.Sprintf("deadline = \"100ms\"\ndisk_paths = [%q]\n", disk.Dir)))
	n.start()
	n.until("all disks", func(s *meshosv1.Snapshot) bool {
		return lists(own(s), disk.Dir) && len(own(s).GetDisks()) == 2 && own(s).DiskTotalBytes != nil // and the data folder's
	})
	disk.Hang()
	t.Cleanup(disk.LetGo) // before the node is waited for
	n.until("the fullest disk to be unknown", func(s *meshosv1.Snapshot) bool {
		return own(s) != nil && own(s).DiskTotalBytes == nil && own(s).CpuLoad_1M != nil && own(s).MemTotalBytes != nil
	})
	n.until("the others to be listed without it", func(s *meshosv1.Snapshot) bool {
		return len(own(s).GetDisks()) == 1 && !lists(own(s), disk.Dir)
	})
	disk.LetGo()
	n.until("the disk again", func(s *meshosv1.Snapshot) bool { return lists(own(s), disk.Dir) && own(s).DiskTotalBytes != nil })
}

// A label does not age: it goes with the plugin that said it.
func TestFactsOfAPluginThatIsGoneGoWithIt(t *testing.T) {
	t.Parallel()
	n := measured(t, "")
	program := filepath.Join(n.dir, "inventory")
	testkit.ProgramCopy(t, filepath.Join(bin, "plugins", "inventory-procfs"), program)
	n.write(measuring(strings.Replace(inventoryPlugin("tags = [\"rack.7\"]\n"), filepath.Join(bin, "plugins", "inventory-procfs"), program, 1)))
	n.start()
	known := func(s *meshosv1.Snapshot) bool { return len(own(s).GetCapabilities()) > 0 && own(s).CpuLoad_1M != nil }
	s := n.until("an inventory", known)

	pid := int(plugin(s, "inventory-procfs").GetPid())
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	n.until("what a plugin that hangs said to be gone", func(s *meshosv1.Snapshot) bool { return own(s) == nil })
	_ = syscall.Kill(pid, syscall.SIGCONT)
	s = n.until("an inventory again", known)

	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(int(plugin(s, "inventory-procfs").GetPid()), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	n.until("what a plugin that can't be started said to be gone", func(s *meshosv1.Snapshot) bool {
		return own(s) == nil && plugin(s, "inventory-procfs").GetStatus() != meshosv1.PluginView_STATUS_READY
	})
}

// hierarchy is a mounted hierarchy of control groups.
type hierarchy struct {
	at string
	v2 bool
}

// hierarchyOf finds a hierarchy with a controller whose groups this process may make.
func hierarchyOf(t *testing.T, controller string) hierarchy {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		// cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0
		f := strings.Fields(line)
		if len(f) < 4 || !strings.HasPrefix(f[3], "rw") {
			continue
		}
		if f[2] == "cgroup" && strings.Contains(","+f[3]+",", ","+controller+",") {
			return hierarchy{f[1], false}
		}
		if f[2] == "cgroup2" && os.WriteFile(filepath.Join(f[1], "cgroup.subtree_control"), []byte("+"+controller), 0o600) == nil {
			return hierarchy{f[1], true}
		}
	}
	testneeds.Missing(t, "needs a hierarchy of control groups with the controller %s, writable", controller)
	return hierarchy{}
}

// groups makes a group with limits and one in it, which is returned.
func (h hierarchy) groups(t *testing.T, limits map[string]string) string {
	t.Helper()
	outer := filepath.Join(h.at, "meshos-e2e-"+strconv.Itoa(os.Getpid()))
	inner := filepath.Join(outer, "inner")
	for _, dir := range []string{outer, inner} {
		if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
			testneeds.Missing(t, "needs the right to make control groups: %v", err)
		}
		t.Cleanup(func() { _ = os.Remove(dir) })
	}
	for name, value := range limits {
		if err := os.WriteFile(filepath.Join(outer, name), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return inner
}

// A node in a container, or in a unit with limits, may use less than its machine has.
func TestTheNodesLimitsAreShownBesideTheMachine(t *testing.T) {
	t.Parallel()
	testneeds.Root(t, "make control groups")
	const memory = 768 << 20
	h := hierarchyOf(t, "memory")
	limits := map[string]string{"memory.limit_in_bytes": strconv.Itoa(memory)}
	if h.v2 {
		limits = map[string]string{"memory.max": strconv.Itoa(memory)}
	}
	join := []string{h.groups(t, limits)}
	h = hierarchyOf(t, "cpu")
	limits = map[string]string{"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "90000"}
	if h.v2 {
		limits = map[string]string{"cpu.max": "90000 100000"}
	}
	join = append(join, h.groups(t, limits))

	if !h.v2 {
		join = append(join, hierarchyOf(t, "cpuacct").groups(t, nil))
	}

	n := measured(t, inventoryPlugin(""))
	n.under = []string{"sh", "-c", `groups=$1; shift; for g in $groups; do echo $$ > "$g/cgroup.procs"; done; exec "$@"`, "sh", strings.Join(join, " ")}
	n.start()
	s := n.until("what is used of the CPUs", func(s *meshosv1.Snapshot) bool { return own(s).GetCpusUsed() > 0 })
	in := own(s)
	if in.GetMemTotalBytes() != memory || in.GetMemUsedBytes() == 0 || in.GetMachineMemTotalBytes() != memTotal(t) {
		t.Errorf("memory: %d of %d, the machine has %d", in.GetMemUsedBytes(), in.GetMemTotalBytes(), in.GetMachineMemTotalBytes())
	}
	if in.GetCpus() != 0.9 || in.GetCpusUsed() > 4 || in.GetMachineCpus() == 0 {
		t.Errorf("CPUs: %v of %v, the machine has %d", in.GetCpusUsed(), in.GetCpus(), in.GetMachineCpus())
	}
	if out := n.must("status", "--all", "--wide"); !strings.Contains(out, "limited to: 0.9 CPUs") || !strings.Contains(out, "768 MiB of memory") {
		t.Errorf("status --all does not show the limits:\n%s", out)
	}
}
