package main

import "github.com/meshos/meshos/pluginsdk"

const (
	name    = "aborter-orchestrator"
	version = "1.0.0"
)

func main() {
	pluginsdk.Main(pluginsdk.Info{
		Name:    name,
		Version: version,
		Doc:     "Lists and aborts migrations over an orchestrator's HTTP API.",
	}, construct)
}
