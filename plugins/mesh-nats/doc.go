// The mesh-nats plugin joins machines to a mesh: it orders what operators command for all of
// them, and carries what they say to each other, with an embedded NATS server and JetStream.
// It and its internal packages are the only ones of the project that import NATS.
//
// Each node runs a leaf server, with one outgoing link to a seed. On a seed the same process
// also runs a hub server, which keeps the ordered log as the stream ADMIN. Two structs follow
// that: a node is what every plugin is, a hub is what a seed is beside it. Both talk to
// their server as a client within the process, and have one goroutine that owns their state.
//
// Who is linked with whom is a matter of keys: tls.go makes and checks certificates,
// members.go knows whose keys count, auth.go says what a member may say on which subject
// (subjects.go). A stranger never gets a link: what it may hand in, a Joining, it presents in
// its certificate (join.go).
//
// The log: keeper.go makes the stream, log.go reads it, order.go appends to it, follow.go
// brings it to the host. The others: tell.go says how this node is, sessions.go knows who is
// there, view.go says it to the nodes that are linked with a seed. ask.go and serve.go carry
// questions of one node to the host of another.
//
// Chains: a holder is what a node is that may hold replicas. chains.go is its loop;
// chains_there.go knows who takes replicas; chains_create.go has streams come to be and go; actuator.go carries out what the
// host decides, as a change that chains_moves.go makes and migrations.go shows; chains_consent.go
// has nodes agree to it; chains_held.go and chains_hints.go tell the host who holds and leads
// what. chains_member.go is for members that are no seeds, programs.go for the clients of a
// machine, scrub.go and scrub_mend.go look for replicas that rot. How a stream's holders change is
// decided in internal/chains, and asked of JetStream in internal/engine.
//
// Nothing here judges an entry, and nothing is the truth: each host keeps a record of its own
// and checks what it gets.
package main
