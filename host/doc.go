// Package host puts the rooms of a node together: it starts them in order, joins
// the doors of one to the other, takes a changed configuration in while it runs,
// and ends everything in order.
//
// It holds no rule of its own. What to do is decided in host/reconcile, when in
// host/loop; how plugins live stands in host/catalog.
package host
