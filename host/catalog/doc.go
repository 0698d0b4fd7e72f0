// Package catalog finds, checks, starts, watches and restarts plugin processes,
// and is the door through which the rest of the host talks to them.
//
// Each configured plugin is a slot: a goroutine that drives a pure state machine
// (machine.go) through verify, start, configure, ready and all that goes wrong. A
// slot owns at most one instance, which is one process with its connection. The
// process is ours (runner.go, on top of host/process): go-plugin does handshake,
// certificates and the connection, and nothing else is left to it.
//
// Adapters (probe_*.go, aborter.go …) have the methods of the interfaces that
// the loop declares. An adapter is a slot and a kind: it outlives restarts, talks
// to whatever process the slot has now, and answers with a *NotReadyError at once
// when there is none. Which kinds a plugin serves is in its entry, or is known once
// it has described itself: Run calls serving then, and again when a later binary
// serves others. Whoever wires the host makes adapters there by name, for example
// LocalityProbe(name).
//
// An event source is a stream (stream.go): it has no timeout and does not lag, and
// it is the caller who takes it up again after its end. Renewed tells those who
// have to do something anew when the plugin's process or configuration is another.
//
// A process that nobody calls is looked after as well (care.go): it is asked for a
// sign of life, so that one that hangs is found before it is needed.
//
// What a plugin says is never believed: check_*.go holds one pure function per
// kind of answer, which leaves out what can't be.
//
// The package does not decide what samples mean, does not know meshos.toml, and
// keeps no log.
package catalog
