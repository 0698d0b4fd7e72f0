// Package admission decides whether an action may be carried out now.
//
// It is arithmetic over what was admitted before: it starts nothing, reads no
// clock and needs no lock. Whoever owns a Gates hands in the time, asks before
// every try of an action, and takes an admission back when the try failed. A
// window that ends exactly now is open.
//
// It neither queues nor counts: how long something waits, how often it may be put
// off, and what becomes of it then is the executor's.
package admission
