// Package helper is the process that carries out an order (host/process/order): it
// takes the rights that it is told, changes folder, opens the program and becomes it, under the same process id.
//
// A binary that imports it is the helper when its second argument is order.Command. It
// finds that out in the initialization of this package, which imports so little that it
// comes before almost all others: a start costs the Go runtime's own start and nothing
// of the rest of the binary. Therefore it also works in the binaries of tests, without
// a line in them.
//
// It has no deadline of its own. Whoever started it kills it when it takes too long.
package helper
