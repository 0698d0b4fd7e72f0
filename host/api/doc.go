// Package api serves what operators and tools ask a running node: the Host
// service of the contract on a unix socket, and /healthz and /metrics over HTTP.
//
// It reads published snapshots and hands events on. It decides nothing, keeps no
// copy of what it serves, and nothing that a client does or leaves undone can
// delay the loop: who reads slowly skips snapshots, and who publishes too much is
// told how many of his events went in.
package api
