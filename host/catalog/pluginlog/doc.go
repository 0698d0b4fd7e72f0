// Package pluginlog reads what the processes of a plugin write, and brings it to the
// node's log.
//
// A Log belongs to one plugin and outlives its processes. It finds the level of each
// line, whether the line was written by hclog, slog, zap or by hand (parser.go), counts
// lines of one kind together and passes no more on than the node's log can bear (log.go), and remembers the last ones
// for whoever asks why a process ended (tail.go). It reads stderr and stdout itself, at
// a bounded pace (output.go), so that nothing a plugin writes can block or break the
// host.
//
// The package starts no process and knows no gRPC. It does not know either what a
// handshake looks like: the caller of ReadStdout recognizes it.
package pluginlog
