// Package executor carries out what reconcile decided: it takes the actions that
// the loop handed out, in order, gives each a deadline, and feeds back how each
// one ended. Every action gets exactly one final outcome, whatever its dispatcher
// does: return, fail, panic, hang, or never get its turn because the node ends.
//
// It decides nothing and keeps no records. Whether an action that failed is tried
// again, and when, is the core's business; so are the failure and action records,
// which the core writes from the outcomes. How a kind of action is carried out is
// the Dispatcher's: Router knows the host's own ways.
//
// Actions are carried out one at a time. What belongs to one daemon, chain, blob,
// peer or node is one lane; a lane whose last dispatch never returned takes no
// further action until it does, so two dispatches never work on one subject.
package executor
