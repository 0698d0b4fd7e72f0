// Package operator judges the commands that operators send to a node: who signed a
// command, whether enough people did, and whether it is fresh, new and meant for this
// cluster. It also simulates what a break-glass command would do, and keeps on disk
// what must survive a restart: used nonces, cooldowns and a freeze.
//
// The package carries no command out. Its verdict is a mesh.JudgedCommit; the caller
// hands that to the loop, which writes the audit record, whatever the verdict, and
// then applies the freeze gate.
//
// A break-glass command overrides what the mesh decides, such as a freeze or a forced
// eviction. Its signers sign the hash of a simulation with it (the blast hash), so
// that they know what it will touch.
//
// # The order of the checks
//
// The order never changes. The first check that fails decides the verdict.
//
//  1. malformed: the payload must be an encoded AdminCommand of at most 64 KiB, without
//     fields that this version does not know. Its event must make sense, its nonce
//     must have 16 bytes, and its time of issue must be set. A break-glass command has
//     a blast hash of 32 bytes, any other command has none. A freeze lasts more than 0
//     and at most 24 h.
//  2. On a node without a file of signers the verdict is unverified, and of the checks
//     below only audit_full is made. Of check 1 only the size and the event count
//     then; the core refuses a freeze that is too long.
//  3. ice_requires_bundle: a break-glass command has no blast hash, so it came in an
//     ordinary envelope. simulation_required: the hash is 32 zero bytes, which stands
//     for "not simulated".
//  4. wrong_cluster. only_on: the command is for the door of another node.
//  5. envelope_from_future, envelope_expired: the command was issued more than
//     future_skew after now, or more than freshness before it, in whole milliseconds.
//     Exactly that far is accepted.
//  6. replayed: the nonce was used, or may have been.
//  7. simulation_mismatch: this node did not issue this hash for this very event
//     within freshness.
//  8. too_many_signatures: there are more than 64, or more than the threshold if that
//     is higher. insufficient_signatures: there are fewer than the threshold, whoever
//     made them.
//  9. rate_limited: too many signatures have come from the command's origin. The
//     checks before this one cost microseconds; those after it cost more.
//  10. For each signature, in order: signature_invalid if it can't be read;
//     not_authorized if its key is not in the file of signers, not valid at this time
//     or not valid for this namespace; signature_invalid if it does not verify over
//     exactly the payload in namespace meshos-admin. One wrong signature rejects the
//     command, even if there are enough good ones.
//  11. insufficient_signatures: too few different persons signed. Several keys of one
//     principal count once, and so do principals that may be the same person.
//  12. ice_cooldown_active: comes this late so that only proven operators learn which
//     cooldowns are running.
//  13. audit_full: an ordinary command, while the audit records use all the disk space
//     that they may. Break-glass commands pass, and are counted.
//  14. replayed again, since the same command may have been accepted meanwhile. Then
//     nonce, cooldown and freeze are written to disk; store_unavailable if they can't
//     be. Only a thaw passes then.
//  15. accepted. The freeze gate of the core comes last (freeze_in_effect), so the
//     audit log names proven operators for what the gate holds back.
//
// A rejected command uses up nothing: it may be presented again with one more
// signature. An accepted command is accepted once, even if the freeze gate holds it
// back.
package operator
