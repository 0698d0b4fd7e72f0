package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/meshos/meshos/host/operator/signers"
)

// addSigners has the signers' file read. Its mistakes are reported with their lines in it.
// If it names fewer operators than a command needs, that is a warning: they may be added
// later. A file that can't be read in time is a fault: without it nobody may command.
func addSigners(l *looks, o *Operators, at place) {
	look := l.add("operators.signers", o.Signers, nil, at)
	look.read = func() func(*reader) {
		set, err := signers.Load(o.Signers)
		return func(r *reader) { r.checkSigners(o, set, err, at) }
	}
	look.late = func(r *reader, err error) { r.checkSigners(o, nil, err, at) }
}

func (r *reader) checkSigners(o *Operators, set *signers.Set, err error, at place) {
	const hint = "name an allowed_signers file, as ssh-keygen -Y verify reads it"
	var damage *signers.Damage
	switch {
	case errors.As(err, &damage):
		for _, p := range damage.Problems {
			r.problems = append(r.problems, Problem{File: damage.File, Line: p.Line, Message: p.Message})
		}
		return
	case errors.Is(err, fs.ErrNotExist):
		r.problem("operators.signers", fault{message: "there is no file " + o.Signers, hint: hint}, at)
		return
	case isHung(err):
		r.fault("operators.signers", fault{
			message: "can't be read: " + err.Error(), hint: "a node that starts now runs its daemons, and refuses every command until the file is read at SIGHUP",
		}, at)
		return
	case err != nil:
		r.problem("operators.signers", fault{message: strings.TrimPrefix(err.Error(), "file of signers: "), hint: hint}, at)
		return
	}
	have := set.Persons()
	for _, t := range []struct {
		key  string
		need int
	}{{"ordinary", o.Ordinary}, {"break_glass", o.BreakGlass}, {"thaw", o.Thaw}} {
		if have < t.need {
			r.warning("operators."+t.key, fault{
				message: fmt.Sprintf("needs %d different operators, but %s names %d: no such command can be accepted", t.need, o.Signers, have),
				hint:    "add operators, or lower " + t.key,
			}, place("").key("operators").key(t.key), at)
		}
	}
}
