// Command bareplugin is a plugin made with go-plugin alone: what a host and a plugin cost that
// have nothing but go-plugin's handshake, mutual TLS and gRPC. compare starts it and calls it
// beside a plugin made with pluginsdk (bench/sdkplugin) that a node's catalog runs.
//
// Its answers have as many round-trip times as $SAMPLES says.
package main
