// Package executor carries out what reconcile decided: it takes the actions that
// the loop handed out, asks admission before every try, gives each dispatch a
// deadline, and feeds back how each action ended. Every action gets exactly one
// final outcome, whatever its dispatcher does: return, fail, panic, hang, or never
// get its turn because the node ends.
//
// It decides nothing and keeps no records. Whether an action that failed is asked
// for again, and when, is the core's business; so are the failure and action
// records, which the core writes from the outcomes. How a kind of action is carried
// out is the Dispatcher's: Router knows the host's own ways and asks actuators for
// the rest. Package admission holds the gates.
//
// # Order
//
// What works on one daemon, chain, blob, peer or node is one lane. Lanes take turns,
// up to Workers dispatches are under way at once, and never two of one lane. Within
// a lane actions have their first turn in the order they came. A dispatch that
// ignores its deadline is left behind: it gives its worker back and keeps its lane,
// whose actions fail until it returns.
//
// # Waiting
//
// A gate, or a dispatcher that asks for another try, puts an action off; others may
// go ahead of it meanwhile, also in its lane. MaxDefers bounds both together.
// Waiting for the pull slot is free, in order, and without limit. Before an action
// that waited is begun, StillWanted is asked.
//
// The core gives up an action that it does not hear of for Timeout. So it is told
// of every try that will be repeated, now and then of what waits, and when
// something that waited is begun: outcomes that are not final.
//
// # Merging
//
// At most one action of a key waits. The core hands out no key twice while it is
// outstanding, so a second one means that the first was given up: the newer takes
// its place and keeps the time before which there is to be no further try, the
// older ends as superseded.
package executor
