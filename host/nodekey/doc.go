// Package nodekey keeps the key of this node: an ed25519 key that signs what the node brings
// into the ordered log of a mesh, and from which the key of its links is derived.
//
// It is not about the keys of operators. The node's own key never leaves the host; a mesh
// plugin gets the derived one alone, so it can link and can't sign.
package nodekey
