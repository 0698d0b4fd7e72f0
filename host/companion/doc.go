// Package companion finds meshos-shim, the small program beside meshos that a node's small
// processes execute: the shims of daemons, the watcher over plugins and health checks, and the
// helper that starts each of them. They do in meshos-shim what they can do in our own binary as
// well, and it costs less: it starts in half the time, and takes less memory.
//
// It has to be of the node's own version, since the two speak to each other in a format that is
// nobody else's. Whoever gets an error from here uses our own binary.
package companion
