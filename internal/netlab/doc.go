// Package netlab is a network for tests: a namespace with one link, tun0 with the addresses
// 10.77.0.1/16 and fd77::1/64, on whose other side a function answers echoes for all other
// addresses of these nets, or loses, delays, duplicates and damages them; nobody there answers
// anything else. Own gives the namespace more addresses, for servers. NewDNS is a name server. Kernels have netem for that, but not all
// of them, and with a function each echo meets the same fault in every run.
//
// The test runs in a process of its own in the namespace, and so does all that it starts. It
// is for tests only, and needs root.
package netlab
