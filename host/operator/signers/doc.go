// Package signers reads OpenSSH allowed_signers files: who may sign commands, with
// which keys, and when.
//
// A file is as ssh-keygen(1) describes it under ALLOWED SIGNERS, and one that is
// good here is read the same way by `ssh-keygen -Y verify`, with two exceptions on
// purpose. Certificate authorities are refused: an operator is one key in this
// file. And the option no-touch-required, which OpenSSH knows only in
// authorized_keys, lets a security key sign without being touched.
//
// It knows nothing of commands and thresholds, and reads no clock: the time a key
// has to be valid at is handed in.
package signers
