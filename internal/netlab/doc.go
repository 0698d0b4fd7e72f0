// Package netlab is networks for tests.
//
// Inside runs a test in a namespace with one link, tun0 with the addresses 10.77.0.1/16 and
// fd77::1/64, on whose other side a function answers echoes for all other addresses of these
// nets, or loses, delays, duplicates and damages them; nobody there answers anything else. Own
// gives the namespace more addresses, for servers. NewDNS is a name server. The test runs in a
// process of its own in the namespace, and so does all that it starts.
//
// A Switch joins several namespaces, and cuts them off from each other: each pair in each
// direction by itself. Processes are started in them one by one.
//
// Kernels have netem and packet filters for that, but not all of them, and with a function each
// packet meets the same fault in every run. All of it needs root and /dev/net/tun.
package netlab
