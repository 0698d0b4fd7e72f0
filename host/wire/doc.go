// Package wire converts the contract's protobuf messages into the types of host/mesh and
// back.
//
// Messages that come in are checked. One that leaves out an id, or carries an unknown enum
// value, an impossible duration or text that is not UTF-8, is refused with a *FieldError
// that names the field. What goes out can always be encoded: a deadline becomes the time
// that is left until it, and text that is not UTF-8 is repaired, so that the odd output of
// one daemon does not keep a snapshot from its readers.
//
// It checks nothing that needs knowledge of the node. Whether a peer is known, a freeze is
// too long or an operator may give a command is decided elsewhere.
package wire
