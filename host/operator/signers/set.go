package signers

import (
	"errors"
	"fmt"
	"time"

	"github.com/meshos/meshos/host/operator/sshsig"
)

// Entry is one line of the file.
type Entry struct {
	Line       int
	Principals []string // as written: names, patterns, and with a leading ! what is left out
	Key        sshsig.Key
	Namespaces []string // patterns; none for all
	// ValidAfter and ValidBefore bound when the key may sign, both included, in
	// whole seconds. Zero is no bound.
	ValidAfter, ValidBefore time.Time
	Touch                   sshsig.Touch
}

// Name is the principal that stands for the entry: the first one of its line.
func (e Entry) Name() string {
	for _, p := range e.Principals {
		if p[0] != '!' {
			return p
		}
	}
	return ""
}

// Set is the content of one file. It does not change.
type Set struct {
	entries []Entry
	byKey   map[sshsig.Key][]int // indexes of entries, in the order of the file
}

// Entries lists the lines in order. The list must not be written to.
func (s *Set) Entries() []Entry { return s.entries }

// Why a key may not sign.
var (
	ErrUnknown   = errors.New("is not in the file of signers")
	ErrNamespace = errors.New("may not sign commands: its namespaces option leaves them out")
	ErrTooEarly  = errors.New("is not valid yet")
	ErrExpired   = errors.New("is not valid any more")
)

// Signer is whom a key stands for.
type Signer struct {
	Name  string
	Touch sshsig.Touch

	principals []string // of all entries that hold for the key
}

// Find says for whom a key signs in a namespace at a time. The error wraps one of
// the Err… values; the Signer has its Name even then, if the key is known.
func (s *Set) Find(key sshsig.Key, namespace string, at time.Time) (Signer, error) {
	var out Signer
	lines := s.byKey[key]
	if len(lines) == 0 {
		return out, fmt.Errorf("key %s %w", key.Fingerprint(), ErrUnknown)
	}
	out.Name = s.entries[lines[0]].Name()
	var failure error
	for _, i := range lines {
		e := s.entries[i]
		if err := e.holds(namespace, at); err != nil {
			if failure == nil {
				failure = fmt.Errorf("key %s (%s, line %d) %w", key.Fingerprint(), e.Name(), e.Line, err)
			}
			continue
		}
		if len(out.principals) == 0 {
			out.Name, out.Touch = e.Name(), e.Touch
		}
		out.principals = append(out.principals, e.Principals...)
	}
	if len(out.principals) == 0 {
		return out, failure
	}
	return out, nil
}

// holds says why an entry does not count, as ssh-keygen -Y verify decides it.
func (e Entry) holds(namespace string, at time.Time) error {
	switch seconds := at.Unix(); {
	case len(e.Namespaces) > 0 && !matchList(namespace, e.Namespaces):
		return ErrNamespace
	case !e.ValidAfter.IsZero() && seconds < e.ValidAfter.Unix():
		return fmt.Errorf("%w: valid-after is %s", ErrTooEarly, e.ValidAfter.UTC().Format(time.RFC3339))
	case !e.ValidBefore.IsZero() && seconds > e.ValidBefore.Unix():
		return fmt.Errorf("%w: valid-before is %s", ErrExpired, e.ValidBefore.UTC().Format(time.RFC3339))
	}
	return nil
}

// Is says whether the key may sign for a principal.
func (s Signer) Is(principal string) bool { return matchList(principal, s.principals) }

// Persons gives the least number of different persons who must have signed: as
// many signers as can be picked of whom no two may be the same person.
func Persons(all []Signer) int {
	var picked []Signer
	for _, s := range narrowFirst(all) {
		alone := true
		for _, p := range picked {
			if mayBeSame(s.principals, p.principals) {
				alone = false
				break
			}
		}
		if alone {
			picked = append(picked, s)
		}
	}
	return len(picked)
}

// Persons gives how many different persons the file names at least, whenever their
// keys are valid.
func (s *Set) Persons() int {
	var all []Signer
	for _, e := range s.entries {
		all = append(all, Signer{principals: e.Principals})
	}
	return Persons(all)
}

// narrowFirst puts signers with few principals first, so that a shared key does not
// stand in the way of two that are not shared. The order is kept otherwise.
func narrowFirst(all []Signer) []Signer {
	out := make([]Signer, 0, len(all))
	for size := 1; len(out) < len(all); size++ {
		for _, s := range all {
			if max(1, len(s.principals)) == size {
				out = append(out, s)
			}
		}
	}
	return out
}
