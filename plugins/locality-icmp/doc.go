// The locality-icmp plugin measures round-trip times to peers by ICMP echo.
//
// All peers of a family share one socket. Echoes are paced over the interval,
// sent and received in batches, and timed by the kernel's receive timestamps.
// A reply counts only if it repeats the random nonce of the very echo it
// answers, so neither another program's pings nor a forged or late reply ever
// becomes a sample.
//
// What is where: echo.go is the packet, schedule.go says when which echo is
// due, round.go collects the replies of one round, pinger.go, send.go and
// receive.go move packets, stall.go notices that this process was held up,
// socket.go opens what the process may open, resolve.go turns names into
// addresses, probe.go is what the host talks to.
//
// It is not a path or loss monitor: it answers with one value per peer, the
// median of that peer's last round, and with nothing for a peer that is silent.
package main
