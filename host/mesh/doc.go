// Package mesh is the vocabulary of meshos: the names of things, what a node
// hears (events), what it decides (actions), what it takes in (inputs) and what
// it writes down (records).
//
// It holds no behaviour beyond small predicates and saturating time arithmetic,
// imports only the standard library and knows nothing of protobuf; host/wire
// converts. Every other room of the host speaks in these types.
package mesh
