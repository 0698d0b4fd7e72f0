// Package disk is the little that the node's records need of a file system, as
// interfaces, so that tests can put a disk in its place that is full or broken
// (package diskfault).
package disk
