// Package admission decides whether an action may be carried out now.
//
// It is arithmetic over what was admitted before: it starts no goroutine, reads no clock
// and has no lock. The owner of a Gates passes in the time, asks before every try of an
// action, and rolls the admission back if the try failed. A wait that ends exactly now
// is over.
//
// It neither queues nor counts: how long an action waits, how often it may be deferred,
// and what happens then is the executor's business.
package admission
