// Package ordered keeps what operators ordered, so that it outlives the node's process.
//
// Every accepted order becomes an entry of the ordered log before anybody learns that it
// was accepted: a chain of files on disk with a height, the hash of the entry before, the
// signed bytes and the time. A checkpoint beside it holds what the orders up to a height
// left, and what belongs to them without being an order, such as how long a window still
// is. A node begins with the checkpoint and the entries above it. Entries that nothing needs
// any more are dropped, behind a second checkpoint, the base: a node whose checkpoint is
// damaged begins with the base and the entries above that, or with all entries if none was
// dropped.
//
// The package judges no order and folds none into the running node. It gives the orders
// their heights; nobody else needs to know who does. It is not the audit log, which tells
// of every attempt, accepted or not, and from which nothing is restored.
package ordered
