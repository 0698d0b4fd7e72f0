// Package plugintest runs a plugin inside a test, without a host or a process.
//
// Start gives a client over a real in-memory gRPC connection to the same server
// that pluginsdk.Main runs: configuration, defaults, limits and errors are the
// real ones. What only a process has (the handshake, the lifeline, stdout) is not
// there.
package plugintest
