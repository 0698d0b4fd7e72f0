// Package catalog starts, checks, watches and restarts the processes of plugins, and makes
// all calls to them.
//
// Each configured plugin is a slot (slot.go). Its goroutine (supervise.go) drives a pure
// state machine (machine.go) through verifying, starting, configuring and ready, and
// through all that goes wrong. A slot has at most one instance: a process with its
// connection. The process belongs to the catalog (runner.go, with host/process);
// go-plugin only does the handshake, the certificates and the connection.
//
// The host calls plugins through adapters, one type for each kind (probes.go, aborter.go
// …). An adapter outlives restarts: it calls the process that its slot has at the moment,
// and returns a *NotReadyError at once if there is none. Every call has a timeout
// (call.go); a plugin that does not answer in time lags, takes no further calls until it
// answers, and is killed if it takes too long. Streams have no timeout.
//
// The kinds that a plugin serves are those of its entry, or those that it describes
// itself with. Run calls back when they are known, and again when another binary serves
// others. The channel of Renewed is closed when a plugin has another process or another
// configuration, and has to be told again what it was told before.
//
// What plugins say is never trusted: see the package answers. What they print is read by
// the package pluginlog.
//
// The catalog does not decide what samples mean, does not know meshos.toml, and keeps no
// log.
package catalog
