// Package answers checks what plugins say.
//
// A plugin is somebody else's program: what it sends is a claim. For each kind of
// answer one pure function converts the message to the words of the host, keeps what can
// be true, and counts what was discarded, by reason and with an example (Discarded). An
// answer that makes no sense as a whole is an error. LenientCodec does the same one
// level below, for list items that can't even be decoded.
//
// The package makes no calls and keeps no state. It does not judge whether a sample that
// can be true is plausible, and does not report: the catalog adds up what was discarded
// and reports each reason once.
package answers
