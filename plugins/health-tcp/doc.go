// The health-tcp plugin reports the health of peers: it connects to their health address.
//
// The files: verdict.go turns a sequence of attempts into a verdict, dial.go makes one
// attempt, cause.go classifies why it failed, queue.go orders the targets by when they are
// due, prober.go runs the attempts, limit.go limits how many run at the same time, probe.go
// is what the host calls.
//
// The plugin checks nothing above TCP: a peer that accepts and then does nothing is
// healthy. No byte is sent.
package main
