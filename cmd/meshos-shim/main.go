package main

import (
	"os"

	"github.com/meshos/meshos/host/daemon/shim"
)

// version is set when a release is built. A node uses only a meshos-shim of its own version.
var version = "dev"

// main is not reached by a watcher and a helper: the initialization of host/process is theirs.
func main() {
	switch args := os.Args[min(1, len(os.Args)):]; {
	case len(args) == 2 && args[0] == shim.Command:
		os.Exit(shim.Main(args[1]))
	case len(args) == 1 && args[0] == "version":
		_, _ = os.Stdout.WriteString("meshos-shim " + version + "\n")
	default:
		_, _ = os.Stderr.WriteString("meshos-shim is started by a node (meshos run) for its daemons, plugins and health checks, and by nobody else.\n" +
			"It belongs beside meshos, of the same version; this is " + version + ".\n")
		os.Exit(2)
	}
}
