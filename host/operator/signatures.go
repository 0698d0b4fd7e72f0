package operator

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/operator/sshsig"
)

// Namespace is the one that commands are signed in.
const Namespace = signers.Namespace

// Verify asks who signed a payload: each signature is read, its key looked up, and
// verified, in order. It gives the operators of all signatures, those that were
// proven marked so, and how many different persons they are at least. The first
// signature that is wrong ends it; set is nil for a node without operators, where
// nothing is verified.
func Verify(set *signers.Set, payload []byte, signatures [][]byte, now time.Time) ([]mesh.Operator, int, *Rejection) {
	if set == nil {
		operators, _ := claims(nil, some(signatures), now)
		return operators, 0, nil
	}
	operators, keys := claims(set, signatures, now)
	seen := make(map[sshsig.Key]bool)
	var persons []signers.Signer
	for i, claim := range keys {
		if claim.err != nil {
			return operators, 0, reject(KindSignature, "signature %d: %v", i+1, claim.err)
		}
		signer, err := set.Find(claim.sig.Key, Namespace, now)
		if err != nil {
			return operators, 0, reject(KindNotAuthorized, "signature %d: %v", i+1, err)
		}
		if err := claim.sig.Verify(Namespace, payload, signer.Touch); err != nil {
			return operators, 0, reject(KindSignature, "signature %d, by %s with key %s: %v",
				i+1, signer.Name, operators[i].KeyID, err)
		}
		operators[i].Verified = true
		if !seen[claim.sig.Key] {
			seen[claim.sig.Key] = true
			persons = append(persons, signer)
		}
	}
	return operators, signers.Persons(persons), nil
}

// claim is a signature that nobody verified yet, or why it can't be read.
type claim struct {
	sig sshsig.Signature
	err error
}

// some are as many signatures as the audit log names of a command that nobody verified.
func some(signatures [][]byte) [][]byte { return signatures[:min(len(signatures), signatureCap)] }

// claims reads signatures and says who made them by their own account. The audit
// log keeps that of rejected commands too.
func claims(set *signers.Set, signatures [][]byte, now time.Time) ([]mesh.Operator, []claim) {
	operators := make([]mesh.Operator, 0, len(signatures))
	all := make([]claim, 0, len(signatures))
	for _, raw := range signatures {
		sig, err := sshsig.Parse(raw)
		all = append(all, claim{sig, err})
		if err != nil {
			operators = append(operators, mesh.Operator{})
			continue
		}
		who := mesh.Operator{KeyID: sig.Key.Fingerprint()}
		if set != nil {
			known, _ := set.Find(sig.Key, Namespace, now) // the name even of a key that may not sign
			who.Name = known.Name
		}
		operators = append(operators, who)
	}
	return operators, all
}

// named leaves out the signatures that name nobody.
func named(operators []mesh.Operator) []mesh.Operator {
	var out []mesh.Operator
	for _, o := range operators {
		if o.KeyID != "" {
			out = append(out, o)
		}
	}
	return out
}
