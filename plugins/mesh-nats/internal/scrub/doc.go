// Package scrub finds replicas of a stream that have rotted.
//
// It compares what the holders of a stream read of their own copies, and says which of them is not
// what the others are, or that it can't be known. It reads nothing, asks nobody and mends nothing.
package scrub
