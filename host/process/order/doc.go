// Package order is the format in which a process that starts others tells its helper
// what to do, and in which the helper answers.
//
// The helper is a process of our own binary. It changes folder, opens and executes
// what the order names, so that whatever hangs in that is the helper's own, and nobody
// else waits. The starter hands it descriptors and one argument, the number of those
// that the program keeps: 0, 1 and 2, then those that are handed over, then the order
// (a file that holds an Order), the status (the write end of a pipe) and, if the order
// says so, the program or the file to copy to.
//
// On the status pipe come records of a fixed size: AtExec right before the execution,
// and then the end of the pipe, because its write end is closed by the execution; or
// why there is none. Without AtExec before the end of the pipe the helper was killed.
//
// An Order is a list of fields, each with a tag, so that fields can be added and another
// program can be the helper. The package imports nothing that takes time to initialize:
// the helper is meant to be started thousands of times a minute.
package order
