// Package sshsig reads, makes and verifies OpenSSH signatures (SSHSIG), the format
// of `ssh-keygen -Y sign` and `ssh-keygen -Y verify`.
//
// Only ed25519 keys are known, plain and on a security key (FIDO2). It says whether
// bytes were signed by a key; whose key that is, and whether the key may sign, is
// not its business: see host/operator/signers.
package sshsig
