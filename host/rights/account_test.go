package rights

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func testFiles(t *testing.T) files {
	t.Helper()
	dir := t.TempDir()
	f := files{filepath.Join(dir, "passwd"), filepath.Join(dir, "group")}
	for path, text := range map[string]string{
		f.passwd: "root:x:0:0:root:/root:/bin/sh\n# a comment\n+::::::\nbroken:x:one\nweb:x:33:34:Web,,,:/srv/www:/usr/sbin/nologin\n4711:x:12:12::/twelve:\n",
		f.group:  "root:x:0:\nwww:x:34:\nadm:x:4:syslog,web\nssl:x:110:web,mail\nmail:x:8:webber\nweb2:x:bad:web\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func TestAccountsAreFoundByNameAndByNumber(t *testing.T) {
	f := testFiles(t)
	for _, c := range []struct {
		user, group string
		want        Account
	}{
		{"web", "", Account{User: "web", UID: 33, GID: 34, Groups: []uint32{4, 34, 110}, Home: "/srv/www"}},
		{"33", "", Account{User: "web", UID: 33, GID: 34, Groups: []uint32{4, 34, 110}, Home: "/srv/www"}},
		{"web", "mail", Account{User: "web", UID: 33, GID: 8, Groups: []uint32{4, 8, 110}, Home: "/srv/www"}},
		{"web", "999", Account{User: "web", UID: 33, GID: 999, Groups: []uint32{4, 110, 999}, Home: "/srv/www"}},
		{"1000", "www", Account{User: "1000", UID: 1000, GID: 34, Groups: []uint32{34}}},
		{"4711", "", Account{User: "4711", UID: 12, GID: 12, Groups: []uint32{12}, Home: "/twelve"}}, // a name first
		{"", "www", Account{GID: 34, Groups: []uint32{34}}},
	} {
		got, err := f.find(c.user, c.group)
		if err != nil || got.User != c.want.User || got.UID != c.want.UID || got.GID != c.want.GID ||
			got.Home != c.want.Home || !slices.Equal(got.Groups, c.want.Groups) {
			t.Errorf("%q, %q: %+v, %v; want %+v", c.user, c.group, got, err, c.want)
		}
	}
}

func TestAccountsThatAreNotThere(t *testing.T) {
	f := testFiles(t)
	for _, c := range []struct{ user, group, want string }{
		{"wbe", "", `there is no user "wbe" in ` + f.passwd},
		{"web", "wwww", `there is no group "wwww" in ` + f.group},
		{"1000", "", "there is no user 1000 in /etc/passwd, so its group is not known"},
		{"4294967295", "www", `there is no user "4294967295" in ` + f.passwd},
		{"-1", "www", `there is no user "-1" in ` + f.passwd},
		{"+", "www", `there is no user "+" in ` + f.passwd},
	} {
		if got, err := f.find(c.user, c.group); err == nil || err.Error() != c.want {
			t.Errorf("%q, %q: %+v, %v; want %s", c.user, c.group, got, err, c.want)
		}
	}
	_, err := f.find("wbe", "")
	if unknown := (*UnknownError)(nil); !errors.As(err, &unknown) || unknown.What != "user" {
		t.Errorf("%#v", err)
	}
}

func TestRootMayDoEverything(t *testing.T) {
	if os.Geteuid() != 0 || !has(0) {
		t.Log("not root: only what needs no privilege is checked")
	} else if !MayChangeAccount() {
		t.Error("root may not change accounts")
	}
	if !MayNice(19) || !MayOOMScore(1000) {
		t.Error("more nice and an earlier end by the kernel need no privilege")
	}
}
