package config

import (
	"errors"
	"fmt"

	"github.com/meshos/meshos/host/operator/signers"
)

// checkSigners reads the signers' file and reports its mistakes with their lines in it. If
// it names fewer operators than a command needs, that is a warning: they may be added
// later.
func (r *reader) checkSigners(o *Operators, at place) {
	set, err := signers.Load(o.Signers)
	var damage *signers.Damage
	switch {
	case errors.As(err, &damage):
		for _, p := range damage.Problems {
			r.problems = append(r.problems, Problem{File: damage.File, Line: p.Line, Message: p.Message})
		}
		return
	case err != nil:
		r.problem("operators.signers", fault{message: err.Error()}, at)
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
