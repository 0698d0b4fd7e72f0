// Package filelimit raises how many files this process may open, and finds out whether
// that is enough for its configuration.
//
// What the process starts keeps the old limit: package syscall, which has usually
// raised it already, gives it back to children.
package filelimit
