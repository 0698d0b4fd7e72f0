// Package intake is the one way in for events and commands, whoever brings them:
// clients of the API, plugins, other nodes.
//
// Events go to the loop's queue as they are. Of commands, signed or not, it makes
// sure that each is judged once, folded once and audited: none is judged before there
// is room for its audit record, and none that was judged depends on the caller any
// more.
//
// It verifies no signature (host/operator does), folds nothing (host/loop does) and
// does not wait for the disk (host/records does).
package intake
