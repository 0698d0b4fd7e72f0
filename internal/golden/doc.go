// Package golden compares the output of a program with a file that somebody has read and
// committed. It is for tests only.
//
// `go test -update` writes the files again: read the differences before you commit them.
package golden
