// tail-events is an event source: it follows a file whose lines are events of the contract
// as JSON, and streams what is added to it. README.md describes what happens when the file
// is rotated, and when the plugin or the node is killed.
package main

import "github.com/meshos/meshos/pluginsdk"

func main() {
	pluginsdk.Main(pluginsdk.Info{
		Name:    "tail-events",
		Version: "1.0.0",
		Doc:     "Streams the events that are added to a file of JSON lines.",
	}, newSource)
}
