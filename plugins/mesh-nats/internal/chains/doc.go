// Package chains changes who holds a replicated stream, one change at a time.
//
// The engine replicates, elects and fences by itself. What it does badly is to choose, so it is
// never left a choice: each stream asks for servers with a tag that no server bears at rest. A
// node that agrees to hold a replica bears the tag for a while, and then the engine's answer to
// one request can only be that node.
//
// A Move is one such change: it says what to ask next, and is told what the engine answered
// and what the time is. It does no I/O, so that what goes wrong between the two can be
// tested: a request whose answer was lost, and that is carried out later all the same; a server
// that falls silent while it gets a replica; a stream without a leader; a leader that moves
// away; somebody else's change.
//
// Who makes a Move leads the stream, or is told to break the glass: two who change a stream at
// once would each undo what the other wants.
package chains
