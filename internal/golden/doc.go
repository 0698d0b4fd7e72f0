// Package golden compares what a program prints with a file of the repository that
// was read by a person. It is for tests only.
//
// `go test -update` writes the files anew: read the difference before it is
// committed.
package golden
