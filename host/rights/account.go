package rights

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/meshos/meshos/internal/readfile"
)

// The files of accounts.
const (
	PasswdFile = "/etc/passwd"
	GroupFile  = "/etc/group"
)

// Account is what a process becomes.
type Account struct {
	User   string // its name; the number if it has none
	UID    uint32
	GID    uint32
	Groups []uint32 // all of them, sorted; GID is one
	Home   string   // "" if it is not known
}

// UnknownError means that there is no such user or group.
type UnknownError struct {
	What string // "user" or "group"
	Name string
	File string
}

// Error implements error.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("there is no %s %q in %s", e.What, e.Name, e.File)
}

// NoGroupError means that a user is a number that no file knows, so that its group is not
// known either.
type NoGroupError struct{ User string }

// Error implements error.
func (e *NoGroupError) Error() string {
	return fmt.Sprintf("there is no user %s in %s, so its group is not known", e.User, PasswdFile)
}

// files are the files of accounts.
type files struct{ passwd, group string }

// Find finds an account by the names or numbers of a user and a group. Without a group it
// is the user's own; without a user only the group changes. The error is an *UnknownError,
// a *NoGroupError, or one of readfile.
func Find(user, group string) (Account, error) {
	return files{PasswdFile, GroupFile}.find(user, group)
}

func (f files) find(user, group string) (Account, error) {
	var a Account
	hasGroup := false
	if user != "" {
		entry, err := f.user(user)
		if err != nil {
			return Account{}, err
		}
		a, hasGroup = entry.Account, entry.known
		if !entry.known && group == "" {
			return Account{}, &NoGroupError{User: user}
		}
	}
	if group != "" {
		gid, err := f.groupID(group)
		if err != nil {
			return Account{}, err
		}
		a.GID, hasGroup = gid, true
	}
	if hasGroup {
		a.Groups = []uint32{a.GID}
	}
	if user != "" {
		more, err := f.groupsOf(a.User)
		if err != nil {
			return Account{}, err
		}
		a.Groups = append(a.Groups, more...)
		slices.Sort(a.Groups)
		a.Groups = slices.Compact(a.Groups)
	}
	return a, nil
}

type userEntry struct {
	Account
	known bool
}

// user finds a user by name, or else by number.
func (f files) user(name string) (userEntry, error) {
	number, isNumber := id(name)
	lines, err := entries(f.passwd, 7)
	if err != nil {
		return userEntry{}, err
	}
	for _, byNumber := range []bool{false, true} {
		for _, e := range lines {
			uid, ok := id(e[2])
			gid, okGroup := id(e[3])
			if !ok || !okGroup {
				continue
			}
			if !byNumber && e[0] == name || byNumber && isNumber && uid == number {
				return userEntry{Account: Account{User: e[0], UID: uid, GID: gid, Home: e[5]}, known: true}, nil
			}
		}
	}
	if isNumber {
		return userEntry{Account: Account{User: name, UID: number}}, nil
	}
	return userEntry{}, &UnknownError{What: "user", Name: name, File: f.passwd}
}

// groupID finds a group by name, or takes a number as it is.
func (f files) groupID(name string) (uint32, error) {
	lines, err := entries(f.group, 4)
	if err != nil {
		return 0, err
	}
	for _, e := range lines {
		if gid, ok := id(e[2]); ok && e[0] == name {
			return gid, nil
		}
	}
	if gid, ok := id(name); ok {
		return gid, nil
	}
	return 0, &UnknownError{What: "group", Name: name, File: f.group}
}

// groupsOf returns the groups of which a user is a member.
func (f files) groupsOf(user string) (gids []uint32, err error) {
	lines, err := entries(f.group, 4)
	if err != nil {
		return nil, err
	}
	for _, e := range lines {
		if gid, ok := id(e[2]); ok && slices.Contains(strings.Split(e[3], ","), user) {
			gids = append(gids, gid)
		}
	}
	return gids, nil
}

// entries reads a file of lines with so many fields. Other lines mean nothing here.
func entries(path string, fields int) (out [][]string, err error) {
	text, err := readfile.Read(path, readfile.MaxText)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.Split(strings.TrimRight(line, "\r\n"), ":")
		if len(parts) == fields && parts[0] != "" && !strings.ContainsAny(parts[0][:1], "#+-") {
			out = append(out, parts)
		}
	}
	return out, nil
}

// id reads the number of a user or a group. The largest one means "unchanged" to the system.
func id(text string) (uint32, bool) {
	n, err := strconv.ParseUint(text, 10, 32)
	return uint32(n), err == nil && n != 1<<32-1 && text[0] != '+'
}
