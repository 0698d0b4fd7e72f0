// Package host is the composition root of a node: it makes the parts, binds them to
// each other and lists those that run.
//
// What is made takes what exists; what runs takes the callbacks. So the order in
// which make.go makes the parts is the order in which they depend on each other, and the
// list in host.go is the order in which they start, and from bottom to top the
// order in which they end.
//
// It holds no rule of its own. What to do is decided in host/reconcile, when in
// host/loop; how plugins live stands in host/catalog, and who may command in
// host/operator.
package host
