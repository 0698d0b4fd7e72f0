// Package signers reads OpenSSH allowed_signers files: who may sign commands, with
// which keys, and when.
//
// ssh-keygen(1) describes the format under ALLOWED SIGNERS. A file that is accepted here
// means the same to `ssh-keygen -Y verify`, with two deliberate exceptions: a byte-order
// mark at the beginning is skipped, and the option no-touch-required, which OpenSSH knows
// only in authorized_keys, lets a security key sign without being touched.
//
// What people can't tell apart or did not mean is a mistake here: principals that look alike
// (lookalike.go), characters in them that nobody sees (principal.go), empty items of lists,
// dates that there are not, text that is not UTF-8. Certificate authorities are refused:
// each operator's own key must be in the file.
//
// The package knows nothing of commands and thresholds, and reads no clock: the caller
// passes the time at which a key must be valid.
package signers
