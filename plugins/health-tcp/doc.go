// The health-tcp plugin reports the health of peers: it connects to their health address.
//
// The files: connect.go makes one attempt, probe.go is what the host calls. When attempts are
// made and what follows from them is in plugins/internal/healthprobe.
//
// The plugin checks nothing above TCP: a peer that accepts and then does nothing is
// healthy; health-http asks it for an answer. No byte is sent.
package main
