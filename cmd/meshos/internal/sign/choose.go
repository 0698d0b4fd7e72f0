package sign

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Signer signs for the operator who runs the program.
type Signer struct {
	AgentSocket  string           // the ssh-agent's, "" for none
	AgentTimeout time.Duration    // how long the ssh-agent may take to list its keys, and to sign where nobody can be asked
	Prompter     Prompter         // asks for passphrases; nil if nobody can be asked
	Note         func(string)     // tells the operator something, such as to touch a key
	Now          func() time.Time // nil for the real clock
}

func (s *Signer) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// Request names the keys to sign with. If it names none, the operator most likely means the
// only key of the ssh-agent, or its only one that belongs to an operator.
type Request struct {
	Agent    []string // keys of the ssh-agent: fingerprints, comments or .pub files
	Files    []string // files of private keys
	Required bool     // an unsigned command is of no use: no key is an error
}

// Count returns how many keys are named.
func (r Request) Count() int { return len(r.Agent) + len(r.Files) }

// Choice is the result of choosing keys. It must be closed.
type Choice struct {
	Keys     []Key
	Unsigned string   // why there are no keys and the command is sent without a signature
	Passed   []Passed // keys of the ssh-agent that were not chosen because they may not sign now
	Doubtful []Passed // keys that were named, and will be rejected

	ring *keyring
}

// Close closes the connection to the ssh-agent. The keys can't sign any more.
func (c *Choice) Close() { c.ring.close() }

// Choose finds the keys to sign with.
func (s *Signer) Choose(ctx context.Context, r Request, target Target) (*Choice, error) {
	c := &Choice{ring: &keyring{}}
	if r.Count() == 0 && !r.Required && target.Known && target.Signers == "" {
		c.Unsigned = "the configuration names no operators, so the command is sent without a signature"
		if target.learned {
			c.Unsigned = "the node has no operators, so the command is sent without a signature"
		}
		return c, nil
	}
	var err error
	if len(r.Agent) > 0 || len(r.Files) == 0 {
		if c.ring, err = s.openAgent(ctx); err != nil {
			return nil, err
		}
	}
	if r.Count() == 0 {
		err = c.byDefault(r, target, s.now())
	} else if err = c.named(s, r); err == nil {
		if known := target.operators(s.now()); known != nil {
			_, c.Doubtful = ofOperators(c.Keys, known)
		}
	}
	if err != nil {
		c.Close()
		return nil, &UsageError{err}
	}
	return c, nil
}

// named chooses the keys that were asked for.
func (c *Choice) named(s *Signer, r Request) error {
	add := func(k Key) {
		if !slices.ContainsFunc(c.Keys, func(o Key) bool { return o.key == k.key }) {
			c.Keys = append(c.Keys, k)
		}
	}
	for _, word := range r.Agent {
		found, err := c.ring.pick(word)
		if err != nil {
			return err
		}
		add(found)
	}
	for _, path := range r.Files {
		found, err := s.fileKey(path)
		if err != nil {
			return err
		}
		add(found)
	}
	return nil
}

// byDefault chooses the ssh-agent's only key, or its only one that may sign for an operator
// now.
func (c *Choice) byDefault(r Request, target Target, now time.Time) error {
	found := c.ring.keys
	known := target.operators(now)
	if known != nil {
		found, c.Passed = ofOperators(found, known)
	}
	switch {
	case len(found) == 1:
		c.Keys = found
		return nil
	case len(found) > 1:
		return fmt.Errorf("the ssh-agent has several keys; choose one with --key:%s", Names(found))
	case target.Signers == "" && !r.Required:
		c.Unsigned = fmt.Sprintf("there is no key to sign with (%s), so the command is sent without a signature; a node with operators will reject it", c.ring.empty)
		return nil
	case len(c.Passed) > 0:
		return fmt.Errorf("none of the keys in the ssh-agent may sign commands of this node (its signers are in %s):%s\n    name another key with --key-file; meshos operators list shows who may sign",
			target.Signers, PassedOver(c.Passed))
	}
	return fmt.Errorf("there is no key to sign with: %s\n    name one with --key-file", c.ring.empty)
}

// Say returns in a sentence which key signs and why others of the ssh-agent do not; "" if
// there is nothing to choose from.
func (c *Choice) Say() string {
	var named []Passed
	others := 0
	for _, one := range c.Passed {
		if one.Operator == "" {
			others++
		} else {
			named = append(named, one)
		}
	}
	if len(c.Keys) == 0 || len(c.Passed) == 0 {
		return ""
	}
	words := "it is signed with" + Names(c.Keys)
	if len(named) > 0 {
		words += "\n  and not with" + PassedOver(named)
	}
	switch others {
	case 0:
	case 1:
		words += "\n  (another key of the ssh-agent is not in the file of signers)"
	default:
		words += fmt.Sprintf("\n  (%d other keys of the ssh-agent are not in the file of signers)", others)
	}
	return words
}
