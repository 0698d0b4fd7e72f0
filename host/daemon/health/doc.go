// Package health asks a daemon how it is, again and again, and judges the answers.
//
// A check runs a program (exec), opens a TCP connection (tcp) or gets a URL (http).
// Its answers go through a tally, which is pure: degraded with the first failure,
// unhealthy after so many in a row, healthy after so many successes in a row. Only
// changes are told.
//
// A daemon may say with its answer how busy it is, from 0 idle to 1 saturated: an
// http check by the header "Meshos-Saturation: 0.7", an exec check by the line
// "saturation=0.7" as the last of its standard output. Nothing is guessed for one
// that does not say it, and a tcp check can't.
//
// It does nothing about what it finds; that is for reconcile and for people.
package health
