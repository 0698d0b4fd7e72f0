// Package readfile reads files that people name: within a size, within a time, and
// regular files only. A path may lead to a pipe without a writer, to a device without an
// end, to a file of a terabyte, or to a file system that never answers.
//
// It knows no formats. What may not be opened for reading, such as a file that is written
// or locked, is not its business.
package readfile
