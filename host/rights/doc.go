// Package rights finds the accounts that a configuration names, and says which changes of
// rights this process may make.
//
// It reads the files of accounts itself, within a size and a time. The C library would
// also ask the network, and nobody knows for how long; an account that only it knows can be
// given by its numbers.
package rights
