// Command meshos-shim is what a node's small processes execute: the shims of daemons, the
// watcher over plugins and health checks, and the helpers that start each of them. Nobody else
// starts it.
//
// It does nothing that meshos itself could not do in its place, and is small so that there can be
// hundreds of them, and so that one can be started for each health check: it has no network, no
// command line and none of the contract.
package main
