// Package meshlink holds the conversation of a node with its mesh plugin: it says who belongs
// to the mesh, follows the ordered log and the other nodes, says how this node is, and answers
// what others ask.
//
// It judges nothing and keeps no record. Entries of the ordered log go to a Record, what is
// known of other nodes goes to the loop, and questions go to a Server. Each part of the
// conversation is begun again for as long as the plugin lives, with growing pauses, and all
// of it when the plugin comes back with another process or configuration.
package meshlink
