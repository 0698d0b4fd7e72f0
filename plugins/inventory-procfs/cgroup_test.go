package main

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// tree makes the given files, and symbolic links for those that begin with "-> ".
func tree(t *testing.T, files map[string]string) root {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if len(text) > 3 && text[:3] == "-> " {
			err = os.Symlink(text[3:], path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root(dir)
}

const (
	mounts2 = "22 27 0:21 / /proc rw - proc proc rw\n41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n"
	mounts1 = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n33 31 0:30 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n" +
		"35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	member1  = "5:memory:/a/b\n4:cpuacct:/a/b\n3:cpu:/a/b\n0::/\n"
	no1Limit = "9223372036854771712\n"
)

func with(base, more map[string]string) map[string]string {
	for name, text := range more {
		base[name] = text
	}
	return base
}

func version2(member string, files map[string]string) map[string]string {
	return with(map[string]string{"proc/self/mountinfo": mounts2, "proc/self/cgroup": member}, files)
}

func version1(files map[string]string) map[string]string {
	return with(map[string]string{"proc/self/mountinfo": mounts1, "proc/self/cgroup": member1}, files)
}

func TestTheMemoryLimitIsTheSmallestOfAllGroups(t *testing.T) {
	const at2, at1 = "sys/fs/cgroup/", "sys/fs/cgroup/memory/"
	for name, tc := range map[string]struct {
		files       map[string]string
		used, total uint64 // 0: not limited
	}{
		"no groups": {map[string]string{}, 0, 0},
		"not limited": {version2("0::/a\n", map[string]string{
			at2 + "a/memory.max": "max\n", at2 + "a/memory.high": "max\n",
		}), 0, 0},
		"its own": {version2("0::/a/b\n", map[string]string{
			at2 + "a/b/memory.max": "4096\n", at2 + "a/b/memory.current": "3000\n", at2 + "a/b/memory.stat": "anon 1\ninactive_file 1000\n",
			at2 + "a/memory.max": "8192\n",
		}), 2000, 4096},
		"an ancestor's, with what others use of it": {version2("0::/a/b/c\n", map[string]string{
			at2 + "a/b/c/memory.max": "max\n", at2 + "a/b/c/memory.current": "10\n",
			at2 + "a/b/memory.max": "8192\n",
			at2 + "a/memory.max":   "4096\n", at2 + "a/memory.current": "3000\n",
		}), 3000, 4096},
		"throttled before": {version2("0::/a\n", map[string]string{
			at2 + "a/memory.max": "8192\n", at2 + "a/memory.high": "4096\n", at2 + "a/memory.current": "5000\n",
		}), 4096, 4096},
		"a container with a name space of its own": {version2("0::/\n", map[string]string{
			at2 + "memory.max": "4096\n", at2 + "memory.current": "1\n",
		}), 1, 4096},
		"a container without": {with(version2("0::/docker/x\n", nil), map[string]string{
			"proc/self/mountinfo": "41 31 0:38 /docker/x /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n",
			at2 + "memory.max":    "4096\n", at2 + "memory.current": "1\n",
		}), 1, 4096},
		"outside of what is mounted": {version2("0::/../other\n", map[string]string{at2 + "memory.max": "4096\n"}), 0, 0},
		"version 1": {version1(map[string]string{
			at1 + "a/b/memory.limit_in_bytes": no1Limit, at1 + "a/b/memory.stat": "hierarchical_memory_limit 4096\ntotal_inactive_file 7\n",
			at1 + "a/memory.limit_in_bytes": "4096\n", at1 + "a/memory.usage_in_bytes": "1000\n", at1 + "a/memory.stat": "total_inactive_file 100\n",
			at1 + "memory.limit_in_bytes": no1Limit,
		}), 900, 4096},
		"version 1, limited above what is seen": {version1(map[string]string{
			at1 + "a/b/memory.limit_in_bytes": "8192\n", at1 + "a/b/memory.usage_in_bytes": "5\n", at1 + "a/b/memory.stat": "hierarchical_memory_limit 4096\n",
			at1 + "memory.limit_in_bytes": no1Limit, at1 + "memory.usage_in_bytes": "600\n",
		}), 600, 4096},
		"version 1, not limited": {version1(map[string]string{
			at1 + "a/b/memory.limit_in_bytes": no1Limit, at1 + "a/b/memory.stat": "hierarchical_memory_limit " + no1Limit,
		}), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			used, total, limited := tree(t, tc.files).memoryLimit()
			if limited != (tc.total > 0) || used != tc.used || total != tc.total {
				t.Errorf("%d of %d, limited %v; want %d of %d", used, total, limited, tc.used, tc.total)
			}
		})
	}
}

func TestTheCPULimitIsTheSmallestOfAllGroups(t *testing.T) {
	const at2, at1 = "sys/fs/cgroup/", "sys/fs/cgroup/cpu/"
	for name, tc := range map[string]struct {
		files         map[string]string
		cpus, seconds float64 // 0: not limited
	}{
		"not limited": {version2("0::/a\n", map[string]string{at2 + "a/cpu.max": "max 100000\n"}), 0, 0},
		"an ancestor's": {version2("0::/a/b\n", map[string]string{
			at2 + "a/b/cpu.max": "250000 100000\n", at2 + "a/cpu.max": "75000 50000\n", at2 + "a/cpu.stat": "usage_usec 3500000\nuser_usec 1\n",
		}), 1.5, 3.5},
		"version 1": {version1(map[string]string{
			at1 + "a/b/cpu.cfs_quota_us": "-1\n", at1 + "a/b/cpu.cfs_period_us": "100000\n",
			at1 + "a/cpu.cfs_quota_us": "50000\n", at1 + "a/cpu.cfs_period_us": "100000\n",
			"sys/fs/cgroup/cpuacct/a/cpuacct.usage": "2500000000\n",
		}), 0.5, 2.5},
		"version 1, counted elsewhere": {with(version1(map[string]string{
			at1 + "a/b/cpu.cfs_quota_us": "50000\n", at1 + "a/b/cpu.cfs_period_us": "100000\n",
			"sys/fs/cgroup/cpuacct/c/d/cpuacct.usage": "1\n",
		}), map[string]string{"proc/self/cgroup": "4:cpuacct:/c/d\n3:cpu:/a/b\n"}), 0.5, -1},
		"version 1, not limited": {version1(map[string]string{
			at1 + "a/b/cpu.cfs_quota_us": "-1\n", at1 + "a/b/cpu.cfs_period_us": "100000\n",
		}), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			cpus, seconds, limited := tree(t, tc.files).cpuLimit()
			if limited != (tc.cpus > 0) || cpus != tc.cpus || seconds != tc.seconds {
				t.Errorf("%v CPUs, %v s, limited %v; want %v, %v s", cpus, seconds, limited, tc.cpus, tc.seconds)
			}
		})
	}
}

// stats returns a /proc/stat of CPUs that were busy and idle for so many seconds each.
func stats(times ...[2]float64) string {
	text := "cpu  0 0 0 0 0 0 0 0 0 0\n"
	for i, t := range times {
		text += "cpu" + string(rune('0'+i)) + " " + jiffies(t[0]) + " 0 0 " + jiffies(t[1]) + " 0 0 0 0 0 0\n"
	}
	return text
}

func jiffies(seconds float64) string { return formatted(math.Round(seconds * 100)) }

func TestCPUsAreThoseOfTheNodeBesideTheMachines(t *testing.T) {
	r := tree(t, version2("0::/a\n", map[string]string{
		"proc/loadavg": "3.00 2.00 1.00 1/100 1000\n", "proc/stat": stats([2]float64{10, 10}, [2]float64{10, 10}, [2]float64{10, 10}, [2]float64{10, 10}),
		"sys/fs/cgroup/a/cpu.max": "max 100000\n", "sys/fs/cgroup/a/cpu.stat": "usage_usec 1000000\n",
	}))
	may := func(n int) func() (func(int) bool, error) {
		return func() (func(int) bool, error) { return func(cpu int) bool { return cpu < n }, nil }
	}
	later := stats([2]float64{11, 10}, [2]float64{10.5, 10.5}, [2]float64{10, 11}, [2]float64{11, 10}) // busy: 1, 0.5, 0, 1
	put := func(name, text string) {
		if err := os.WriteFile(r.path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name       string
		allowed    int
		quota      string
		cpus, used float64
	}{
		{"the whole machine", 4, "max 100000\n", 4, 2.5},
		{"some of its CPUs", 2, "max 100000\n", 2, 1.5},
		{"a quota that is larger", 2, "900000 100000\n", 2, 1.5},
	} {
		put("sys/fs/cgroup/a/cpu.max", tc.quota)
		put("proc/stat", stats([2]float64{10, 10}, [2]float64{10, 10}, [2]float64{10, 10}, [2]float64{10, 10}))
		read := readCPU(r, may(tc.allowed))
		first, err := read(t.Context())
		if err != nil || first.CpusUsed != nil || first.MachineCpusUsed != nil || first.GetCpus() != tc.cpus {
			t.Fatalf("%s, at first: %v, %v", tc.name, first, err)
		}
		put("proc/stat", later)
		got, err := read(t.Context())
		if err != nil || got.GetMachineCpus() != 4 || got.GetCpuLoad_1M() != 3 || got.GetLoadPerCpu() != 0.75 {
			t.Errorf("%s: %v, %v", tc.name, got, err)
		}
		near(t, got.GetCpus(), tc.cpus)
		near(t, got.GetCpusUsed(), tc.used)
		near(t, got.GetMachineCpusUsed(), 2.5)
	}

	put("sys/fs/cgroup/a/cpu.max", "150000 100000\n")
	read := readCPU(r, may(4))
	if first, err := read(t.Context()); err != nil || first.CpusUsed != nil || first.GetCpus() != 1.5 {
		t.Fatalf("a quota, at first: %v, %v", first, err)
	}
	put("sys/fs/cgroup/a/cpu.stat", "usage_usec 1100000\n")
	got, err := read(t.Context())
	if err != nil || got.GetCpus() != 1.5 || got.GetCpusUsed() <= 0 {
		t.Errorf("a quota: %v, %v", got, err)
	}
}

func formatted(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func TestTheTrendIsThatOfTheGroupWhichLimitsTheNode(t *testing.T) {
	const at = "sys/fs/cgroup/"
	psi := func(short, long string) string {
		return "some avg10=" + short + " avg60=" + long + " avg300=0.00 total=7\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
	}
	machine := map[string]string{"pressure/cpu": psi("90.00", "10.00"), "pressure/memory": psi("0.00", "0.00"), "pressure/io": psi("0.00", "0.00")}
	for name, tc := range map[string]struct {
		files map[string]string
		want  float64
	}{
		"not limited":      {version2("0::/a/b\n", map[string]string{at + "a/b/cpu.max": "max 100000\n", at + "a/b/cpu.pressure": psi("5.00", "1.00")}), 0.8},
		"limited by CPU":   {version2("0::/a/b\n", map[string]string{at + "a/cpu.max": "50000 100000\n", at + "a/cpu.pressure": psi("20.00", "50.00")}), -0.3},
		"limited in bytes": {version2("0::/a/b\n", map[string]string{at + "a/b/memory.max": "1000\n", at + "a/b/memory.pressure": psi("40.00", "20.00")}), 0.2},
		"without pressure": {version2("0::/a/b\n", map[string]string{at + "a/b/memory.max": "1000\n"}), 0.8},
		"version 1":        {version1(map[string]string{at + "cpu/a/b/cpu.cfs_quota_us": "50000\n", at + "cpu/a/b/cpu.cfs_period_us": "100000\n"}), 0.8},
	} {
		facts, err := readTrend(tree(t, tc.files), procWith(t, machine))(t.Context())
		if err != nil || math.Abs(float64(facts.GetSaturationTrend())-tc.want) > 1e-6 {
			t.Errorf("%s: %v, %v; want %v", name, facts.GetSaturationTrend(), err, tc.want)
		}
	}
}
