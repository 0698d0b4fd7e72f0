// Package reload reads the configuration again while a node runs, and hands what can
// change in place to the parts that take it over: peers, chains, daemons, most keys of
// plugins and the operators' keys.
//
// It checks nothing (host/config does) and carries nothing out. What it can't hand
// over it names, so that an operator knows that the node has to be restarted for it.
package reload
