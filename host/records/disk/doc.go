// Package disk is the part of a file system that the node's records need, as interfaces, so
// that tests can use a disk that is full or broken instead (package diskfault).
package disk
