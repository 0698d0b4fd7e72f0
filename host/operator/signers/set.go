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
	Principals []string // as written: names and patterns; a leading ! excludes
	Key        sshsig.Key
	Namespaces []string // patterns; empty means all
	// ValidAfter and ValidBefore bound when the key may sign, both included, in
	// whole seconds. Zero means no bound.
	ValidAfter, ValidBefore time.Time
	Touch                   sshsig.Touch

	readings []reading // of Principals
}

// Name returns the first principal of the line, which names the entry.
func (e Entry) Name() string {
	for _, p := range e.Principals {
		if p[0] != '!' {
			return p
		}
	}
	return ""
}

// Set is the content of one file. It is immutable.
type Set struct {
	entries []Entry
	byKey   map[sshsig.Key][]int // indexes of entries, in the order of the file
	others  []Entry              // whose namespaces exclude commands
	doubts  []Problem            // about lines that may not sign commands
}

// Doubts returns what an operator should know of lines that may not sign commands: principals
// that look like those of lines that may. They are no mistakes: nobody signs a command with
// them, as long as their namespaces stay.
func (s *Set) Doubts() []Problem { return s.doubts }

// Entries returns the entries in the order of the file. Callers must not change them.
func (s *Set) Entries() []Entry { return s.entries }

// Others returns the entries of keys that could sign commands, but whose namespaces exclude
// them, in the order of the file. Callers must not change them.
func (s *Set) Others() []Entry { return s.others }

// Why a key may not sign.
var (
	ErrUnknown   = errors.New("is not in the file of signers")
	ErrNamespace = errors.New("may not sign commands: its namespaces option excludes them")
	ErrTooEarly  = errors.New("is not valid yet")
	ErrExpired   = errors.New("is no longer valid")
)

// Signer is the owner of a key.
type Signer struct {
	Name  string
	Touch sshsig.Touch

	principals []string  // of all entries of the key that apply
	readings   []reading // of principals
}

// Find returns for whom a key may sign in a namespace at a time. The error wraps one of
// the Err… values; the Signer has its Name even then, if the file has the key.
func (s *Set) Find(key sshsig.Key, namespace string, at time.Time) (Signer, error) {
	var out Signer
	lines := s.byKey[key]
	if len(lines) == 0 {
		for _, e := range s.others {
			if e.Key == key {
				out.Name = e.Name()
				return out, fmt.Errorf("key %s (%s, line %d) %w", key.Fingerprint(), e.Name(), e.Line, ErrNamespace)
			}
		}
		return out, fmt.Errorf("key %s %w", key.Fingerprint(), ErrUnknown)
	}
	out.Name = s.entries[lines[0]].Name()
	var failure error
	for _, i := range lines {
		e := s.entries[i]
		if err := e.Applies(namespace, at); err != nil {
			if failure == nil {
				failure = fmt.Errorf("key %s (%s, line %d) %w", key.Fingerprint(), e.Name(), e.Line, err)
			}
			continue
		}
		if len(out.principals) == 0 {
			out.Name, out.Touch = e.Name(), e.Touch
		}
		out.principals = append(out.principals, e.Principals...)
		out.readings = append(out.readings, e.readings...)
	}
	if len(out.principals) == 0 {
		return out, failure
	}
	return out, nil
}

// Applies returns nil if an entry applies, else why it does not, as ssh-keygen -Y verify
// decides. The error wraps one of the Err… values.
func (e Entry) Applies(namespace string, at time.Time) error {
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
