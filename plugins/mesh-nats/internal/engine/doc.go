// Package engine asks JetStream what chains.Move says, bears the tags by which a server agrees to
// hold a stream, and reads what the server in this process holds.
//
// What may be asked when, and what an answer means, is decided in chains; here are the requests
// and their messages.
package engine
