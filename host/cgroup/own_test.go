package cgroup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheOwnGroupIsFound(t *testing.T) {
	const mount = "25 30 0:22 / /proc rw - proc proc rw\n36 25 0:30 %ROOT% %AT% %HOW%,relatime - cgroup2 cgroup2 rw\n"
	for name, tc := range map[string]struct{ root, at, how, member, want string }{
		"unified":                   {"/", "/sys/fs/cgroup", "rw", "0::/system.slice/meshos.service\n", "/sys/fs/cgroup/system.slice/meshos.service"},
		"hybrid":                    {"/", "/sys/fs/cgroup/unified", "rw", "4:memory:/x\n0::/\n", "/sys/fs/cgroup/unified"},
		"part of a tree":            {"/a", "/mnt", "rw", "0::/a/b\n", "/mnt/b"},
		"blank in the path":         {"/", `/my\040groups`, "rw", "0::/\n", "/my groups"},
		"version 1 only":            {"/", "/sys/fs/cgroup", "rw", "4:memory:/x\n", "the kernel has no control groups of version 2"},
		"mounted from beside":       {"/other", "/mnt", "rw", "0::/a\n", "no control groups of version 2 are mounted"},
		"read-only in a container":  {"/", "/sys/fs/cgroup", "ro", "0::/\n", "control groups are mounted read-only at /sys/fs/cgroup"},
		"outside of its name space": {"/", "/sys/fs/cgroup", "rw", "0::/../other\n", "no control groups of version 2 are mounted"},
	} {
		t.Run(name, func(t *testing.T) {
			mounts := strings.NewReplacer("%ROOT%", tc.root, "%AT%", tc.at, "%HOW%", tc.how).Replace(mount)
			got, err := find(mounts, tc.member)
			if err != nil {
				got = Group(err.Error())
			}
			if string(got) != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// folder is a folder with the files that a control group has.
func folder(t *testing.T, dir string) Group {
	t.Helper()
	for _, name := range []string{"cgroup.subtree_control", "memory.max", "cpu.max", "pids.max"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Group(dir)
}

func TestLimitsAreWrittenWhereTheyCanBe(t *testing.T) {
	own := folder(t, t.TempDir())
	p := openIn(own, "data", true)
	folder(t, string(p.group))
	p = openIn(own, "data", true) // now that its folder has the files, too
	if p.Why() != "" || p.lacks != "" {
		t.Fatal(p.Why(), p.lacks)
	}
	limits := Limits{Memory: 1 << 20, CPU: 1.5, Processes: 7}
	g, without, why := p.Make(3, "run", limits)
	// A folder in memory has no files, so nothing can be written; the kernel makes them.
	if filepath.Base(string(g)) != "3-run" || strings.Join(without, " ") != "memory cpu processes" || why == "" {
		t.Errorf("%q, without %v: %s", g, without, why)
	}
	var written []string
	for _, one := range limits.each() {
		written = append(written, one.file+"="+one.value)
	}
	if got, want := strings.Join(written, " "), "memory.max=1048576 cpu.max=150000 100000 pids.max=7"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWithoutGroupsNothingFails(t *testing.T) {
	for name, p := range map[string]*Parent{
		"not used": nil, "not delegated": openIn(Group(t.TempDir()), "data", false), "not there": openIn("/no/such", "data", true),
	} {
		g, without, why := p.Make(3, "run", Limits{CPU: 1})
		if g != "" || len(without) != 1 || why == "" {
			t.Errorf("%s: %q, without %v: %s", name, g, without, why)
		}
		if g, without, _ := p.Make(3, "run", Limits{}); g != "" || len(without) != 0 {
			t.Errorf("%s: %q, without %v although nothing is limited", name, g, without)
		}
	}
	var none Group
	none.Kill()
	none.Remove()
	if none.Processes() != nil {
		t.Error("nobody's group has members")
	}
}
