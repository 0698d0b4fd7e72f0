// Package document keeps the snapshot of a node as one document on the side of a client: it
// joins the pages that it comes in, and takes the deltas that follow.
//
// It knows the contract and nothing of how messages come: callers hand them over in the order
// in which they came. A Document belongs to one goroutine.
package document
