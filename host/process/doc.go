// Package process starts and owns child processes: a child runs in a process group of its
// own, dies with this process, and writes to pipes that this process reads; its end is an
// event with code, signal and usage.
//
// It is not a supervisor: it never restarts anything, keeps no log and knows neither plugins
// nor daemons. It does not search PATH, and a child inherits nothing of this process's
// environment and descriptors but what a Spec names.
//
// It works on Linux only, because it relies on Pdeathsig and on waitid(2).
package process
