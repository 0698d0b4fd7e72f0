package main

import "github.com/meshos/meshos/pluginsdk"

func main() {
	pluginsdk.Main(pluginsdk.Info{
		Name:    "inventory-procfs",
		Version: version,
		Doc:     "Reports the resources of this node and how busy it is.",
	}, newProbe)
}
