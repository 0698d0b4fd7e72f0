// Package operator judges the commands of operators: who signed them, whether that
// is enough, whether they are fresh, meant for this cluster and new. It also says
// what a break-glass command would do (Simulate), and remembers over a restart what
// must not be forgotten: used nonces, cooldowns, and a freeze.
//
// It carries nothing out and folds nothing: a verdict goes to the loop as a
// mesh.JudgedCommit, which audits it, rejected or not, and asks the freeze gate
// last.
//
// # The order of the checks
//
// It never changes; the first check that fails gives the verdict.
//
//  1. malformed: sizes, an encoded AdminCommand without fields that this version
//     does not know, an event that makes sense, 16 bytes of nonce, a time of issue,
//     a blast hash of 32 bytes for break-glass commands and none for others, a
//     freeze of more than 0 and at most 24 h.
//  2. Without a file of signers: unverified, and nothing below is asked but whether
//     the audit log is full. Of 1 only the size and the event count then; a freeze
//     that is too long the core refuses.
//  3. ice_requires_bundle: a break-glass command without a blast hash is an
//     ordinary envelope, whoever signed it. simulation_required: its hash is 32
//     zero bytes, which stands for "not simulated".
//  4. wrong_cluster.
//  5. envelope_from_future, envelope_expired: issued more than future_skew after
//     now, or more than freshness before it, in whole milliseconds. Exactly that
//     far is accepted.
//  6. replayed: the nonce was used, or may have been.
//  7. simulation_mismatch: this node issued no such hash for this very event
//     within freshness.
//  8. too_many_signatures: more than 64, or the threshold if that is more.
//     insufficient_signatures: fewer than the threshold, before anybody counts
//     whose they are.
//  9. rate_limited: too many signatures to verify for the origin they came from.
//     What comes before costs microseconds; what comes after costs more.
//  10. For each signature, in order: signature_invalid if it can't be read,
//     not_authorized if its key is not in the file of signers, not valid at this
//     time or not for this namespace, signature_invalid if it does not verify over
//     exactly the payload in namespace meshos-admin. One that is wrong rejects the
//     command, even if enough others are right.
//  11. insufficient_signatures: too few different persons. Several keys of one
//     principal count once, and so do principals that may be the same person.
//  12. ice_cooldown_active: only proven operators learn what is cooling down.
//  13. audit_full: an ordinary command, while audit records take as much of the disk
//     as they may. Break-glass commands pass, and are counted.
//  14. replayed once more, since another one may have come in between; then nonce,
//     cooldown and freeze are written to disk. store_unavailable: they can't be;
//     only a thaw passes then.
//  15. accepted. The freeze gate of the core comes last (freeze_in_effect), so what
//     it holds back stands in the audit log with proven operators.
//
// A rejected command uses up nothing: with a signature more it may be presented
// again. An accepted one is accepted once, also if the freeze gate holds it back.
package operator
