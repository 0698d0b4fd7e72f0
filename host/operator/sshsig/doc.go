// Package sshsig reads, makes and verifies OpenSSH signatures (SSHSIG), the format
// of `ssh-keygen -Y sign` and `ssh-keygen -Y verify`.
//
// It supports only ed25519 keys, plain or on a security key (FIDO2). It decides whether a
// key signed some bytes. Whose key that is, and whether it may sign, is decided by
// host/operator/signers.
package sshsig
