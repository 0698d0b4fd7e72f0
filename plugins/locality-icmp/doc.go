// The locality-icmp plugin measures round-trip times to peers by ICMP echo.
//
// All peers of an address family share one socket, or one to send and one to receive. Echoes
// are spread over the interval, sent and received in batches, and timed by the kernel's
// timestamps: that of the departure of the packet, and that of the arrival of its reply. Where
// an interface has none of the former, echoes are sent one by one, and the time of the call
// counts. A reply counts only if it repeats the random cookie of the echo that it answers, so
// neither another program's pings nor a forged reply becomes a sample. One that comes after the
// timeout is late: it counts apart, with its time.
//
// The files: echo.go is the packet, schedule.go computes when each echo is due, round.go
// collects the replies of one round, history.go adds up the last rounds, result.go is what
// they say of a peer, pinger.go, send.go and receive.go send and receive packets,
// departure.go finds out when each left, timestamp.go asks for and reads the kernel's times,
// unreachable.go and errqueue.go read what routers say of lost ones, mmsg.go reads the queues
// of errors, apart.go is the socket that sends, stall.go notices that this process did not run
// for a while, socket.go opens the sockets, resolve.go turns names into addresses, probe.go is
// what the host calls, now.go makes a single round on demand, mtu.go searches for the MTU of a
// path.
//
// It is not a monitor of paths, and it judges nobody: it reports for each peer the median of
// its last round, loss, late answers and jitter of its last 20 echoes, how many rounds got no
// answer, and why. The node decides what that means.
package main
