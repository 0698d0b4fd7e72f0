// Package resolve looks the host names of peers up, so that probes do not have to: every name
// once a minute, both families, whoever needs it and however many.
//
// table.go decides, with the time handed in, when which name is looked up and which addresses
// count: those of a name that is gone are kept for a while, those of a name of which no name
// server can say anything for as long as that lasts. resolver.go runs the lookups, a bounded
// number at a time and each with a deadline, and says what changed, at most once a second.
// lookup.go asks the machine's resolver.
//
// It tells no plugin anything and reads no configuration.
package resolve
