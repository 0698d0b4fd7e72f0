package sign

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Signer signs for the operator who runs the program.
type Signer struct {
	AgentSocket  string        // the ssh-agent's, "" for none
	AgentTimeout time.Duration // how long the ssh-agent may take to list its keys
	Prompter     Prompter      // asks for passphrases; nil if nobody can be asked
	Note         func(string)  // tells the operator something, such as to touch a key
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
	Unsigned string // why there are no keys and the command is sent without a signature

	ring *keyring
}

// Close closes the connection to the ssh-agent. The keys can't sign any more.
func (c *Choice) Close() { c.ring.close() }

// Choose finds the keys to sign with.
func (s *Signer) Choose(ctx context.Context, r Request, target Target) (*Choice, error) {
	c := &Choice{ring: &keyring{}}
	if r.Count() == 0 && !r.Required && target.Known && target.Signers == "" {
		c.Unsigned = "the configuration names no operators, so the command is sent without a signature"
		return c, nil
	}
	var err error
	if len(r.Agent) > 0 || len(r.Files) == 0 {
		if c.ring, err = s.openAgent(ctx); err != nil {
			return nil, err
		}
	}
	if r.Count() == 0 {
		err = c.byDefault(r, target)
	} else {
		err = c.named(s, r)
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

// byDefault chooses the ssh-agent's only key, or its only one that belongs to an operator.
func (c *Choice) byDefault(r Request, target Target) error {
	found := c.ring.keys
	if set := target.operators(); set != nil {
		found = ofOperators(found, set)
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
	case len(c.ring.keys) > 0:
		return fmt.Errorf("none of the keys in the ssh-agent is in %s:%s\n    name another key with --key-file", target.Signers, Names(c.ring.keys))
	}
	return fmt.Errorf("there is no key to sign with: %s\n    name one with --key-file", c.ring.empty)
}
