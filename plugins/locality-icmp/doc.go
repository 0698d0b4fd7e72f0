// The locality-icmp plugin measures round-trip times to peers by ICMP echo.
//
// All peers of an address family share one socket. Echoes are spread over the interval,
// sent and received in batches, and timed by the kernel's receive timestamps. A reply
// counts only if it repeats the random nonce of the echo that it answers, so neither
// another program's pings nor a forged or late reply becomes a sample.
//
// The files: echo.go is the packet, schedule.go computes when each echo is due, round.go
// collects the replies of one round, history.go adds up the last rounds, pinger.go, send.go and receive.go send and receive
// packets, stall.go notices that this process did not run for a while, socket.go opens the
// sockets, resolve.go turns names into addresses, probe.go is what the host calls.
//
// It is not a monitor of paths: it reports for each peer the median of its last round, loss
// and jitter of its last 20 echoes, and why a peer has no round-trip time.
package main
