package main

import "github.com/meshos/meshos/pluginsdk"

func main() {
	pluginsdk.Main(pluginsdk.Info{
		Name:        "mesh-nats",
		Version:     "1.0.0",
		Doc:         "Joins nodes to a mesh: one ordered log of commands, and who is there.",
		SharedPeers: true,
	}, newNode)
}
