// Package wire turns the contract's protobuf messages into the host's own types
// and back. It is the only room that knows both.
//
// What comes in is checked: a message that names nothing, carries an unknown
// enum value, an impossible duration or text that is not UTF-8 is refused with a
// *FieldError that says which field is wrong. What goes out always encodes:
// deadlines turn into what is left of them, and text that is not UTF-8 is
// repaired, so that one daemon's odd output can't keep a snapshot from a reader.
//
// It judges nothing that needs knowledge of the node: whether a peer is known, a
// freeze is too long or an operator may give a command is for others to say.
package wire
