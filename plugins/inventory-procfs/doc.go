// The inventory-procfs plugin tells what this node has and how busy it is.
//
// What is where: collector.go runs one source of facts with a deadline and never
// twice at a time, inventory.go runs all of them in turn and puts their answers
// together, sources.go reads the machine, trend.go and capabilities.go are the
// maths and names, probe.go is what the host talks to.
//
// It is not a metrics exporter: it knows the few facts that placement is decided
// by, and only of the node it runs on.
package main
