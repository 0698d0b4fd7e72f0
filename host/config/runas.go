package config

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/meshos/meshos/host/rights"
)

// RunAs says with which rights the processes of a daemon run. What is not set is the
// node's.
type RunAs struct {
	User, Group string // names or numbers
	Umask       *int
	Nice        *int
	OOMScoreAdj *int
}

// settings are keys of [[daemon]] itself.
func (r *RunAs) settings() []setting {
	return []setting{
		account("user", &r.User),
		account("group", &r.Group),
		optional(&r.Umask, umask),
		optional(&r.Nice, func(at *int) setting { return count("nice", at, -20, 19) }),
		optional(&r.OOMScoreAdj, func(at *int) setting { return count("oom_score_adj", at, -1000, 1000) }),
	}
}

// account is a setting for the name or the number of a user or a group.
func account(key string, at *string) setting {
	s := textOrNone(key, at)
	set := s.set
	s.set = func(v any) *fault {
		if n, ok := v.(int64); ok {
			v = strconv.FormatInt(n, 10)
		}
		if f := set(v); f != nil {
			return f
		}
		switch {
		case *at == "":
			return &fault{message: "must not be empty", hint: "leave it out: then it is the node's own"}
		case strings.HasPrefix(*at, "-") || strings.ContainsAny(*at, ":/ "):
			bad := *at
			*at = "" // so that nobody looks for it
			return &fault{message: shortened(quote(bad)) + " is not the name or number of a " + key}
		}
		return nil
	}
	return s
}

// umask is a setting for a file mode mask. As a number it would be read as a decimal one.
func umask(at *int) setting {
	const hint = `write the octal digits in quotes, for example umask = "0027"`
	return setting{
		key: "umask",
		set: func(v any) *fault {
			text, ok := v.(string)
			if !ok {
				f := wrongType(`text such as "0027"`, v)
				f.hint = hint
				return f
			}
			n, err := strconv.ParseUint(strings.TrimPrefix(text, "0o"), 8, 16)
			if err != nil || n > 0o777 {
				return &fault{message: shortened(quote(text)) + " is not a mask of file modes", hint: hint}
			}
			*at = int(n)
			return nil
		},
		text: func() string { return quote(fmt.Sprintf("%04o", *at)) },
	}
}

// Account finds the account that a daemon's processes run as, and returns nil if that is the
// node's own.
func (r RunAs) Account() (*rights.Account, error) {
	if r.User == "" && r.Group == "" {
		return nil, nil
	}
	a, err := rights.Find(r.User, r.Group)
	if err != nil {
		return nil, err
	}
	if r.User == "" {
		a.UID = uint32(os.Geteuid())
	}
	return &a, nil
}

// Changes reports whether processes of this node have to change their account to be this
// one.
func Changes(a rights.Account) bool {
	return rights.MayChangeAccount() || a.UID != uint32(os.Geteuid()) || a.GID != uint32(os.Getegid())
}

// WrongRunAs returns why processes can't run with these rights, and what to do; "" if they
// can.
func WrongRunAs(r RunAs) string {
	for _, f := range []*fault{r.badAccount(), r.badNice(), r.badOOMScore()} {
		if f != nil {
			return f.text()
		}
	}
	return ""
}

func (r RunAs) badAccount() *fault {
	what := "user " + r.User
	if r.User == "" {
		what = "group " + r.Group
	}
	a, err := r.Account()
	unknown, noGroup := (*rights.UnknownError)(nil), (*rights.NoGroupError)(nil)
	switch {
	case errors.As(err, &unknown):
		return &fault{message: unknown.Error(), hint: "create it, or correct the name; of an account that is not in the file, give both user and group as numbers"}
	case errors.As(err, &noGroup):
		return &fault{message: noGroup.Error(), hint: "add group"}
	case err != nil:
		return &fault{message: "can't find " + what + ": " + err.Error()}
	case a != nil && Changes(*a) && !rights.MayChangeAccount():
		return &fault{
			message: fmt.Sprintf("to run as %s needs root (CAP_SETUID and CAP_SETGID), and this is user %d", what, os.Geteuid()),
			hint:    "run the node as root, or leave user and group out: then it runs as the node's own user",
		}
	}
	return nil
}

func (r RunAs) badNice() *fault {
	if r.Nice == nil || rights.MayNice(*r.Nice) {
		return nil
	}
	return &fault{
		message: fmt.Sprintf("nice = %d needs root (CAP_SYS_NICE): this node may not raise a priority", *r.Nice),
		hint:    "run the node as root with that capability, give a higher value, or leave it out",
	}
}

func (r RunAs) badOOMScore() *fault {
	if r.OOMScoreAdj == nil || rights.MayOOMScore(*r.OOMScoreAdj) {
		return nil
	}
	return &fault{
		message: fmt.Sprintf("oom_score_adj = %d needs root (CAP_SYS_RESOURCE): this node may not lower it", *r.OOMScoreAdj),
		hint:    "run the node as root with that capability, give a higher value, or leave it out",
	}
}

// addRunAs adds what a daemon's rights need.
func addRunAs(l *looks, r RunAs, at place) {
	if r.User != "" || r.Group != "" {
		key := "user"
		if r.User == "" {
			key = "group"
		}
		l.add("daemon."+key, rights.PasswdFile, inTime(r.badAccount), at.key(key)).worth = asFault
	}
	if r.Nice != nil {
		l.add("daemon.nice", "/proc/self", inTime(r.badNice), at.key("nice")).worth = asFault
	}
	if r.OOMScoreAdj != nil {
		l.add("daemon.oom_score_adj", "/proc/self", inTime(r.badOOMScore), at.key("oom_score_adj")).worth = asFault
	}
}
