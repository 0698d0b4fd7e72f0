// The health-tcp plugin tells how peers do by connecting to their health address.
//
// What is where: verdict.go judges a row of attempts, dial.go makes one attempt,
// cause.go says why it failed, queue.go orders what is due, prober.go spends the
// attempts, limit.go says how many may be out at once, probe.go is what the host
// talks to.
//
// It says nothing above TCP: a peer that accepts and then does nothing is
// healthy. No byte is sent.
package main
