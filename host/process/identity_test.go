package process

import (
	"strings"
	"testing"
)

func TestAStatLineIsTakenApartWhateverTheNameIs(t *testing.T) {
	rest := " S 1 22 33 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3"
	for _, name := range []string{"sh", "a b", ") Z 9 9 9 (", "x)"} {
		s, err := parseStat([]byte("7 (" + name + ")" + rest))
		if want := (stat{state: 'S', parent: 1, group: 22, session: 33, start: 987654, env: -1}); err != nil || s != want {
			t.Errorf("%q: %+v %v", name, s, err)
		}
	}
	rest += strings.Repeat(" 0", 24) + " 4096 "
	for end, env := range map[string]int64{"4196": 100, "4096": 0, "0": -1} {
		if s, err := parseStat([]byte("7 (sh)" + strings.Replace(rest, "4194560", "2129984", 1) + end + " 0")); err != nil || s.env != env || !s.kernel {
			t.Errorf("an environment up to %s: %+v %v", end, s, err)
		}
	}
	for _, bad := range []string{"", "7 sh S 1", "7 (sh) S 1 2 3", "7 (sh)" + strings.Replace(rest, "987654", "x", 1)} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
