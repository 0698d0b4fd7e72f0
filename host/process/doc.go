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
// A lone Spawner (NewLoneSpawner) starts without a helper what is on file systems that need nobody
// else and takes no other rights or limits. It is for a process that has nothing to do meanwhile:
// the shim of one daemon.
//
// A Spawner is plain, and its processes are children of this one and die with it; or it is
// watched, and they are children of a watcher: another process of our own binary
// (WatcherCommand), which is the subreaper of all that descends from them, ends it when this
// process is gone, and does nothing else. When one of them ends, the watcher kills what it
// started as well, which it finds by its session and by its mark (MarkVariable). Whoever imports this package needs no line for
// that: the package's initialization finds out whether the process is a watcher.
//
// It is not a supervisor: it never restarts anything, keeps no log and knows neither plugins
// nor daemons. It does not search PATH, and a child inherits nothing of this process's
// environment and descriptors but what a Spec names.
//
// It works on Linux only, because it relies on Pdeathsig and on waitid(2).
package process
