// Package api answers operators and tools that ask a running node. It serves the Host
// service of the contract on a unix socket, and /healthz and /metrics over HTTP.
//
// It reads published snapshots and passes events and commands on. It decides nothing and
// keeps no state of the node. A client can't delay the loop, whatever it does: a client
// that reads slowly skips snapshots, and one that publishes too much gets an error that
// says how many of its events were accepted.
package api
