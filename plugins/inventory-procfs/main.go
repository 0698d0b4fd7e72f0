package main

import "github.com/meshos/meshos/pluginsdk"

func main() {
	pluginsdk.Main(pluginsdk.Info{
		Name:    "inventory-procfs",
		Version: version,
		Doc:     "Tells what this node has and how busy it is.",
	}, newProbe)
}
