// Package process starts and owns child processes: a child runs in a session of its own, dies
// with this process, and writes to pipes that this process reads; its end is an event with
// code, signal and usage.
//
// This process executes its own binary and nothing else. That one, the helper (package
// helper), changes folder and executes what a Spec names, so that a file on which the
// kernel makes an execution wait stops the helper and nobody else. A start has the
// deadline of its context; what hangs then is killed, and if that does not help, said
// and left alone. After a SIGKILL nobody waits longer than 5 s for any process.
//
// It is not a supervisor: it never restarts anything, keeps no log and knows neither plugins
// nor daemons. It does not search PATH, and a child inherits nothing of this process's
// environment and descriptors but what a Spec names.
//
// It works on Linux only, because it relies on Pdeathsig and on waitid(2).
package process
