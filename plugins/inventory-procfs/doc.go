// The inventory-procfs plugin reports the resources of this node and how busy it is.
//
// The files: collector.go runs one source of facts with a deadline, inventory.go runs all
// collectors in turn, sources.go, cpu.go, cgroup.go, disks.go and hardware.go read the
// machine, trend.go and capabilities.go compute what it reports, probe.go is what the host
// calls.
//
// It is not a metrics exporter: it reports only the few facts that placement needs, and
// only of the node that it runs on.
package main
