// Command meshos runs a node and talks to running ones.
package main

import (
	"os"
	"time"

	"github.com/meshos/meshos/host"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/internal/hangup"
)

// version is set when a release is built.
var version = "dev"

func main() {
	if len(os.Args) == 3 && os.Args[1] == host.ShimCommand {
		// This is what the node starts for each daemon. It has to stay small, so it gets no
		// command line and no signal handling.
		os.Exit(shim.Main(os.Args[2]))
	}
	ctx, abort, stop := endContext(time.Now)
	code := execute(ctx, &app{
		hangups: hangup.Take(), release: hangup.Release,
		abort: abort, in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv, now: time.Now, zone: time.Local, version: version,
	}, os.Args[1:])
	stop()
	os.Exit(code)
}
