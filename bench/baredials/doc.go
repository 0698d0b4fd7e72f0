// Command baredials connects to addresses as a Go program does that does nothing else: with
// net.Dialer, a bounded number at the same time. compare measures it beside health-tcp.
//
//	baredials -address 127.0.0.1:80 -targets 10000 -rounds 3 -atonce 256
//
// It prints, for each round, how long it took in seconds.
package main
