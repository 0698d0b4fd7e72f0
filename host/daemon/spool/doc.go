// Package spool keeps what a daemon prints in a few files of bounded size, so that the writer
// never waits for the reader, and a reader that was away goes on where it stopped.
//
// A folder holds segments, out.00000001.log and so on, of which the newest two are
// kept. A segment is text, one line of output per line, with the time and the stream
// before it:
//
//	2026-05-04T10:11:12.345678Z out listening on :9000
//	2026-05-04T10:11:13.000001Z err cannot reach the database
//
// Nothing is synced to the disk: the processes whose output it is don't survive a crash of the
// machine either.
package spool
