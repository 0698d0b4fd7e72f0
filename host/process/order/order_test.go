package order

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestAnOrderComesBackAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.String(), 1, 5)
		want := Order{
			Program: Program(rapid.IntRange(0, 3).Draw(t, "program")), Path: rapid.String().Draw(t, "path"),
			Argv: texts.Draw(t, "argv"), Env: texts.Draw(t, "env"), Dir: rapid.String().Draw(t, "dir"),
			MaxSize: rapid.Uint64().Draw(t, "max size"), Cgroup: rapid.String().Draw(t, "cgroup"),
			Rights: rights().Draw(t, "rights"),
			Limits: []Limit{{Resource: rapid.IntRange(0, 15).Draw(t, "resource"), Value: rapid.Uint64().Draw(t, "limit")}},
		}
		if got, ok := Decode(want.Encode()); !ok || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v, want %+v", got, ok, want)
		}
	})
}

func rights() *rapid.Generator[Rights] {
	return rapid.Custom(func(t *rapid.T) Rights {
		number := rapid.Ptr(rapid.IntRange(-1000, 1000), true)
		r := Rights{Umask: number.Draw(t, "umask"), Nice: number.Draw(t, "nice"), OOMScoreAdj: number.Draw(t, "oom_score_adj")}
		if rapid.Bool().Draw(t, "account") {
			r.Account = &Account{UID: rapid.Uint32().Draw(t, "uid"), GID: rapid.Uint32().Draw(t, "gid")}
			r.Account.Groups = append(r.Account.Groups, rapid.SliceOf(rapid.Uint32()).Draw(t, "groups")...)
		}
		return r
	})
}

func TestAFieldOfALaterVersionIsSkipped(t *testing.T) {
	b := appendField(Order{Path: "/bin/true"}.Encode(), 99, "more")
	if got, ok := Decode(b); !ok || got.Path != "/bin/true" {
		t.Errorf("got %+v, %v", got, ok)
	}
}

func TestWhatIsNotAnOrderIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := append([]byte(magic), rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")...)
		_, _ = Decode(b) // it must not panic
	})
	whole := Order{Path: "/bin/true", Env: []string{"A=B"}}.Encode()
	for _, bad := range [][]byte{nil, []byte("x"), []byte("meshos order 2\n"), whole[:len(whole)-1], append(whole, 1)} {
		if got, ok := Decode(bad); ok {
			t.Errorf("%q was taken as %+v", bad, got)
		}
	}
}

func TestAStatusComesBackAsItWas(t *testing.T) {
	want := Status{Step: AtSize, Errno: 0x01020304, Mode: 0x8fff, Size: 1<<63 + 5, Mtime: -7}
	if got := DecodeStatus(want.Encode()); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
