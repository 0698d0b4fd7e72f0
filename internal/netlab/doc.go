// Package netlab is a network for tests: a namespace with one link, tun0 with the address
// 10.77.0.1/16, on whose other side a function answers echoes for all other addresses of that
// net, or loses, delays, duplicates and damages them. Kernels have netem for that, but not all
// of them, and with a function each echo meets the same fault in every run.
//
// The test runs in a process of its own in the namespace, and so does all that it starts. It
// is for tests only, and needs root.
package netlab
