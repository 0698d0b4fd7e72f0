// Package linewriter writes the lines of a log to a descriptor without ever making the
// caller wait or fail: a pipe that nobody reads, whose reader is gone, or a file on a full
// disk keeps no part of a program from its work.
//
// Lines wait in a buffer of bounded size. Those that find no room in it, or that can't be
// written, are counted, and the next line that can be written is preceded by one that says
// so. A write that hangs holds up only the goroutine of the Writer.
//
// It formats nothing, and it does not open or close what it writes to.
package linewriter
