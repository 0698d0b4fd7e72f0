package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/meshos/meshos/host/operator/sshsig"
)

// chooseKeys finds the keys to sign with. No keys and no error mean that the
// command goes unsigned; the notice says why. The caller closes the ring.
func (a *app) chooseKeys(ctx context.Context, f signFlags, where place) (ring *keyring, keys []signer, notice string, err error) {
	ring = &keyring{}
	if f.count() == 0 && where.known && where.signers == "" {
		return ring, nil, "the configuration names no operators, so it goes unsigned", nil
	}
	if len(f.keys) > 0 || len(f.keyFiles) == 0 {
		if ring, err = a.agentKeys(ctx); err != nil {
			return nil, nil, "", err
		}
	}
	if f.count() == 0 {
		keys, notice, err = defaultKey(ring, where)
	} else {
		keys, err = a.namedKeys(ring, f)
	}
	if err != nil {
		ring.close()
		return nil, nil, "", &usageError{err: err}
	}
	return ring, keys, notice, nil
}

func (a *app) namedKeys(ring *keyring, f signFlags) ([]signer, error) {
	var keys []signer
	add := func(s signer) {
		if !slices.ContainsFunc(keys, func(o signer) bool { return o.key == s.key }) {
			keys = append(keys, s)
		}
	}
	for _, word := range f.keys {
		found, err := ring.pick(word)
		if err != nil {
			return nil, err
		}
		add(found)
	}
	for _, path := range f.keyFiles {
		found, err := a.fileKey(path)
		if err != nil {
			return nil, err
		}
		add(found)
	}
	return keys, nil
}

// defaultKey gives the one key that is meant when none is named: the agent's only
// one, or its only one of an operator.
func defaultKey(ring *keyring, where place) (keys []signer, notice string, err error) {
	set := where.operators()
	found := operatorsKeys(ring.keys, set)
	switch {
	case len(found) == 1:
		return found, "", nil
	case len(found) > 1:
		return nil, "", fmt.Errorf("the ssh-agent holds several keys; choose with --key:%s", namesOf(found))
	case where.signers == "":
		return nil, fmt.Sprintf("there is no key to sign with (%s), so it goes unsigned; a node with operators will reject it", ring.why), nil
	case len(ring.keys) > 0:
		return nil, "", fmt.Errorf("none of the keys that the ssh-agent holds is in %s:%s\n    name another with --key-file", where.signers, namesOf(ring.keys))
	}
	return nil, "", fmt.Errorf("there is no key to sign with: %s\n    name one with --key-file", ring.why)
}

// sign makes the signature of one key over a payload.
func (a *app) sign(ctx context.Context, key signer, payload []byte) ([]byte, error) {
	opened, err := key.open(ctx)
	if ctx.Err() != nil {
		return nil, &unconfirmedError{why: "interrupted"}
	}
	if err != nil {
		return nil, err
	}
	if key.key.OnSecurityKey() {
		a.note("touch the security key " + key.name())
	}
	if key.cut != nil {
		defer context.AfterFunc(ctx, key.cut)() // ends the wait for a finger
	}
	raw, err := sshsig.Sign(opened, signNamespace, payload)
	if ctx.Err() != nil {
		return nil, &unconfirmedError{why: "interrupted"}
	}
	if err != nil {
		return nil, fmt.Errorf("%w\n    %s refused, or was not touched or confirmed in time", err, key.from)
	}
	made, err := sshsig.Parse(raw)
	if err != nil || made.Verify(signNamespace, payload, sshsig.TouchNotRequired) != nil {
		return nil, errors.New(key.from + " made a signature that does not verify: nothing was sent")
	}
	return raw, nil
}
