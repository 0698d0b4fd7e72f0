// Package plugintest runs a plugin inside a test, without a host or a process.
//
// Start returns a client with a gRPC connection, in memory, to the server that
// pluginsdk.Main runs: configuration, defaults, limits and errors are those of a real
// plugin. What only a process has is missing: the handshake, the lifeline, stdout.
package plugintest
