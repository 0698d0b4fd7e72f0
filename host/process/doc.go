// Package process is one child process, owned: it is started in a process group
// of its own, dies with this process, has pipes that this process owns, and its
// end is an event that carries code, signal and usage.
//
// It is not a supervisor: it never starts anything again, keeps no log and knows
// neither plugins nor daemons. It does not search PATH and hands down nothing of
// its own environment and descriptors but what a Spec names.
//
// Linux only, since it rests on Pdeathsig and on waitid(2).
package process
