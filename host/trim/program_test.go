package trim

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOnlyWhatIsAsInTheFileIsUnmapped(t *testing.T) {
	const smaps = `00400000-00fa8000 r-xp 00000000 fe:00 9978422                            /usr/bin/meshos
Size:              11936 kB
Rss:               10952 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
00fa8000-01d8c000 r--p 00ba8000 fe:00 9978422                            /usr/bin/meshos
Rss:               11632 kB
Anonymous:             0 kB
01d8c000-01d90000 r--p 0198c000 fe:00 9978422                            /usr/bin/meshos
Rss:                  16 kB
Anonymous:            16 kB
01d90000-01e8e000 rw-p 01990000 fe:00 9978422                            /usr/bin/meshos
Anonymous:             0 kB
7fa6965a7000-7fa6966fd000 r-xp 00026000 fe:00 326269                     /usr/lib/libc.so.6
Anonymous:             0 kB
7fa6966fd000-7fa6966fe000 r-xp 00000000 00:00 0
Anonymous:             0 kB
7fa6966fe000-7fa6966ff000 r-xs 00026000 fe:00 326269                     /usr/bin/meshos
Anonymous:             0 kB
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
Anonymous:             0 kB
`
	want := []region{{0x400000, 0xfa8000}, {0xfa8000, 0x1d8c000}, {0x7fa6965a7000, 0x7fa6966fd000}}
	if d := cmp.Diff(want, unchanged([]byte(smaps)), cmp.AllowUnexported(region{})); d != "" {
		t.Error(d)
	}
}

func TestTheProgramGoesOnWithoutItsPages(t *testing.T) {
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	if len(unchanged(smaps)) == 0 {
		t.Fatalf("no file is found in\n%s", smaps)
	}
	for range 100 {
		unmapFiles()
		if got := strings.Repeat("x", 3); !reflect.DeepEqual([]byte(got), []byte("xxx")) {
			t.Fatal(got)
		}
	}
}
