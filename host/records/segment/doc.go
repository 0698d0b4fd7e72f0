// Package segment is the format of the files that hold a chain of records: how a
// file begins, how a record is framed and linked to the one before, how a file is
// sealed, and how one is read back until its end or its first damage.
//
// It opens no file and decides nothing: host/records/durable decides what to do about a torn
// tail or damage. docs/records.md describes the bytes.
//
// A file is a header, then frames. Each frame carries a CRC and the SHA-256 of what
// stands before it: of the header for the first frame, of the frame before for all
// others. The header carries the hash of the frame from which the file continues an earlier
// one, so all files of a chain are one list of hashes.
package segment
