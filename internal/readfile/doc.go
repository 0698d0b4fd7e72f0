// Package readfile reads files that people name: within a size, within a time, and
// regular files only. A path may lead to a pipe without a writer, to a device without an
// end, to a file of a terabyte, or to a file system that never answers.
//
// A thread that waits in the kernel keeps its process from ending. So a node, and whoever
// checks what a configuration names, has another process of our own binary look at paths and
// read files (Outside): Look, Examine and Read ask that one if there is one.
//
// It knows no formats. What may not be opened for reading, such as a file that is written
// or locked, is not its business.
package readfile
