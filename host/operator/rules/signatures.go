package rules

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/operator/sshsig"
)

// Namespace is the SSHSIG namespace in which commands are signed.
const Namespace = signers.Namespace

// Verify verifies the signatures over a payload, in order, up to the first that is wrong.
// It returns the operators who claim to have signed, with Verified set for those who
// have, and the least number of different persons among these. With a nil set, which is
// that of a node without operators, nothing is verified.
func Verify(set *signers.Set, payload []byte, signatures [][]byte, now time.Time) ([]mesh.Operator, int, *Rejection) {
	if set == nil {
		operators, _ := claims(nil, capped(signatures), now)
		return operators, 0, nil
	}
	operators, keys := claims(set, signatures, now)
	seen := make(map[sshsig.Key]bool)
	var persons []signers.Signer
	for i, claim := range keys {
		if claim.err != nil {
			return operators, 0, Reject(KindSignature, "signature %d: %v", i+1, claim.err)
		}
		signer, err := set.Find(claim.sig.Key, Namespace, now)
		if err != nil {
			return operators, 0, Reject(KindNotAuthorized, "signature %d: %v", i+1, err)
		}
		if err := claim.sig.Verify(Namespace, payload, signer.Touch); err != nil {
			return operators, 0, Reject(KindSignature, "signature %d, by %s with key %s: %v",
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

// claim is a signature that is not verified yet, or the reason why it can't be read.
type claim struct {
	sig sshsig.Signature
	err error
}

// Claimed returns who made signatures according to themselves, of as many as an audit record
// lists. A nil set names nobody.
func Claimed(set *signers.Set, signatures [][]byte, now time.Time) []mesh.Operator {
	operators, _ := claims(set, capped(signatures), now)
	return operators
}

// capped returns as many of the signatures as the audit record of an unverified command
// lists.
func capped(signatures [][]byte) [][]byte { return signatures[:min(len(signatures), signatureCap)] }

// claims reads signatures and returns who made them according to themselves. The audit
// records of rejected commands list these operators, too.
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
			known, _ := set.Find(sig.Key, Namespace, now) // has the name even if the key may not sign
			who.Name = known.Name
		}
		operators = append(operators, who)
	}
	return operators, all
}

// Identified leaves out operators without a key, whose signatures could not be read.
func Identified(operators []mesh.Operator) []mesh.Operator {
	var out []mesh.Operator
	for _, o := range operators {
		if o.KeyID != "" {
			out = append(out, o)
		}
	}
	return out
}
