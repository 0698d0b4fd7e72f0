package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/meshos/meshos/host/operator/signers"
)

// addSigners has the signers' file read. Its mistakes are reported with their lines in it.
// If it names fewer operators than a command needs, or their keys are not valid or will soon
// not be, that is a warning: they may be added later. A file that can't be read in time is a fault: without it nobody may command.
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
	for _, d := range set.Doubts() {
		r.warnings = append(r.warnings, Problem{
			File: o.Signers, Line: d.Line, Message: d.Message, Hint: "this line may not sign commands, by its namespaces option; without that the file would be refused",
		})
	}
	have, now := set.Persons(), time.Now()
	for _, t := range []struct {
		key  string
		need int
	}{{"ordinary", o.Ordinary}, {"break_glass", o.BreakGlass}, {"thaw", o.Thaw}} {
		places := []place{place("").key("operators").key(t.key), at}
		if have < t.need {
			r.warning("operators."+t.key, fault{
				message: fmt.Sprintf("needs %s, but %s names %d: no such command can be accepted", operators(t.need), o.Signers, have),
				hint:    "add operators, or lower " + t.key,
			}, places...)
		} else if short, is := set.Short(t.need, now, now.Add(shortSoon)); is {
			r.warning("operators."+t.key, shortage(t.key, t.need, o.Signers, set, short, now), places...)
		}
	}
}

func operators(n int) string {
	if n == 1 {
		return "an operator"
	}
	return fmt.Sprintf("%d different operators", n)
}

// shortSoon is how early a file of signers is said to name too few operators.
const shortSoon = 14 * 24 * time.Hour

// shortage says that the keys of too few operators are valid, now or soon.
func shortage(key string, need int, file string, set *signers.Set, short signers.Shortage, now time.Time) fault {
	var lines []string
	ending := short.Ending
	if !short.At.After(now) {
		for _, e := range set.Entries() {
			if e.Applies(signers.Namespace, now) != nil {
				ending = append(ending, e)
			}
		}
	}
	for i, e := range ending {
		if i == mostEnding {
			lines = append(lines, fmt.Sprintf("and %d more", len(ending)-i))
			break
		}
		lines = append(lines, fmt.Sprintf("that of %s in line %d %s", e.Name(), e.Line, validity(e, short.At)))
	}
	when := "the keys that are valid now belong to"
	hint := "renew the keys, or lower " + key
	if short.At.After(now) {
		when = fmt.Sprintf("from %s on the valid keys belong to", short.At.UTC().Format(time.RFC3339))
		hint = "renew the keys before that"
	}
	return fault{
		message: fmt.Sprintf("needs %s, but in %s %s %d: no such command can be accepted then (%s)",
			operators(need), file, when, short.Have, strings.Join(lines, "; ")),
		hint: hint,
	}
}

// mostEnding is how many keys are named that are not valid.
const mostEnding = 5

func validity(e signers.Entry, at time.Time) string {
	if !e.ValidAfter.IsZero() && at.Before(e.ValidAfter) {
		return "is valid from " + e.ValidAfter.UTC().Format(time.RFC3339) + " on"
	}
	return "is valid until " + e.ValidBefore.UTC().Format(time.RFC3339)
}
