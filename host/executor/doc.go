// Package executor carries out what reconcile decided: it takes the actions that the
// loop handed out, asks admission before every try, gives each dispatch a deadline, and
// feeds back how each action ended. Every action gets exactly one final outcome,
// whether its dispatcher returns, fails, panics or hangs, and also if the node ends
// before it was begun.
//
// It decides nothing and keeps no records. Whether an action that failed is asked for
// again, and when, is the core's business; so are the failure and action records, which
// the core writes from the outcomes. How a kind of action is carried out is the
// Dispatcher's business: Router carries out the host's own kinds and passes the others
// to actuators. Package admission holds the gates.
//
// # Order
//
// All actions on one daemon, chain, blob, peer or node form a lane. Lanes take turns;
// up to Workers dispatches are under way at once, and never two of one lane. Within a
// lane, actions are first tried in the order in which they came. A dispatch that
// ignores its deadline is abandoned: it no longer occupies a worker but keeps its lane,
// whose actions fail until it returns.
//
// # Waiting
//
// A gate, or a dispatcher that asks for another try, defers an action; others may
// overtake it meanwhile, also in its lane. MaxDefers bounds both together, except that another
// try does not count while what the action began advances, as Progress says. Waiting for
// the pull slot is in order, without limit, and does not count as being deferred. Before
// an action that waited is begun, StillWanted is asked.
//
// The core gives up an action of which it hears nothing for Timeout. So the executor
// reports every try that will be repeated, from time to time what waits, and when
// something that waited is begun: by outcomes that are not final.
//
// # Merging
//
// At most one action of a key waits. The core hands out no key twice while it is
// outstanding, so a second action of a key means that the first was given up: the newer
// one replaces it, keeps the time before which there must be no further try, and the
// older one ends as superseded.
package executor
