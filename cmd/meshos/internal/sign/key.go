package sign

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/operator/sshsig"
)

// Key is a key that can sign.
type Key struct {
	key     sshsig.Key
	comment string
	from    string // "the ssh-agent", or the file
	open    func(context.Context) (ssh.Signer, error)
	cancel  func() // ends a signing that goes on, or nil
}

// Name returns the key's fingerprint with its comment.
func (k Key) Name() string {
	if k.comment == "" {
		return k.key.Fingerprint()
	}
	return k.key.Fingerprint() + " (" + view.Plain(k.comment) + ")"
}

// Names lists keys, each on a line of its own.
func Names(keys []Key) string {
	var b strings.Builder
	for _, key := range keys {
		b.WriteString("\n    " + key.Name())
	}
	return b.String()
}

// Passed is a key that does not sign, and why.
type Passed struct {
	Key
	Operator string // whose key it is; "" if the file of signers does not have it
	Why      string // "is no longer valid: …"
}

// PassedOver lists keys with the reasons, each on a line of its own.
func PassedOver(all []Passed) string {
	var b strings.Builder
	for _, one := range all {
		b.WriteString("\n    " + one.Name() + " " + view.Plain(one.Why))
	}
	return b.String()
}

// ofOperators returns the keys that may sign for an operator, and the others.
func ofOperators(keys []Key, known *Operators) (may []Key, passed []Passed) {
	for _, k := range keys {
		if name, why := known.find(k.key); why != "" {
			passed = append(passed, Passed{Key: k, Operator: name, Why: why})
		} else {
			may = append(may, k)
		}
	}
	return may, passed
}

// agentSigns has the ssh-agent sign. It may ask a person for a touch, a passphrase or a
// confirmation, which takes as long as it takes, but not where nobody is.
func (s *Signer) agentSigns(ctx context.Context, key Key, sign func() error) error {
	limit, hint := s.AgentTimeout, "it may want a confirmation, a passphrase or a touch that nobody sees: sign at a terminal, or wait longer with --timeout"
	if s.Prompter != nil {
		limit, hint = 0, "it may want a confirmation, a passphrase or a touch; Ctrl-C gives up"
	}
	return s.askAgent(ctx, "sign with "+key.Name(), hint, limit, key.cancel, sign)
}

// Sign signs a payload with one key.
func (s *Signer) Sign(ctx context.Context, key Key, payload []byte) ([]byte, error) {
	opened, err := key.open(ctx)
	if ctx.Err() != nil {
		return nil, errInterrupted
	}
	if err != nil {
		return nil, err
	}
	if key.key.OnSecurityKey() {
		s.Note("touch the security key " + key.Name())
	}
	var raw []byte
	signed := func() (err error) {
		raw, err = sshsig.Sign(opened, Namespace, payload)
		return err
	}
	if key.cancel == nil {
		err = signed()
	} else {
		err = s.agentSigns(ctx, key, signed)
	}
	var silent *SilentAgentError
	switch {
	case ctx.Err() != nil:
		return nil, errInterrupted
	case errors.As(err, &silent):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w\n    %s refused to sign, or was not touched or confirmed in time", err, key.from)
	}
	made, err := sshsig.Parse(raw)
	if err != nil || made.Verify(Namespace, payload, sshsig.TouchNotRequired) != nil {
		return nil, errors.New(key.from + " made a signature that does not verify: nothing was sent")
	}
	return raw, nil
}
