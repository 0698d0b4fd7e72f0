// Package mesh is the vocabulary of meshos: ids, the facts and orders that a node
// receives (events), everything that it decides from (inputs), what it decides (actions)
// and what it keeps for people (records).
//
// It has no behaviour beyond small predicates and saturating time arithmetic, imports only
// the standard library and does not know protobuf: host/wire converts. All other packages
// of host use these types.
package mesh
