// Package cgroup gives each daemon a control group (cgroup v2) of its own, where this process
// may make one: all that descends from the daemon is in it, whatever session it made and
// whoever is its parent, so it can be found, counted, limited and killed as one.
//
// Where it may not, nothing fails: a Parent says why, and the groups are empty names. There
// are many reasons: the kernel has version 1 only, the file system is mounted read-only in a
// container, the service manager did not delegate the unit's group (Delegate=yes).
//
// It uses no library: what it needs of a control group is a folder and five small files, and
// the libraries bring a client of D-Bus and a loader of BPF programs into every binary, and so
// into every shim.
package cgroup
