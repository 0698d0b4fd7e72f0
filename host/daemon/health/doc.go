// Package health checks the health of a daemon, again and again.
//
// A check runs a program (exec), opens a TCP connection (tcp) or gets a URL (http). The
// answers are counted by a tally, which is pure: a daemon is degraded with the first
// failure, unhealthy after a number of failures in a row, and healthy after a number of
// successes in a row. Only changes are reported. A check that can't be made, since its
// program does not exist, says nothing of the daemon: its health is unknown then, for that
// reason.
//
// The answer may also report how busy the daemon is, from 0 (idle) to 1 (saturated): an http
// check by the header "Meshos-Saturation: 0.7", an exec check by the line "saturation=0.7"
// as the last of its standard output. If it does not, nothing is guessed. A tcp check can't.
//
// It does nothing about what it finds; that is left to reconcile and to people.
package health
