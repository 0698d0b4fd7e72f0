// tail-events is an event source: it follows a file of events, one of the
// contract's as JSON in each line, and streams what is added to it. README.md tells
// what happens when the file is rotated, and when anybody is killed.
package main

import "github.com/meshos/meshos/pluginsdk"

func main() {
	pluginsdk.Main(pluginsdk.Info{
		Name:    "tail-events",
		Version: "1.0.0",
		Doc:     "Streams the events that are added to a file of JSON lines.",
	}, newSource)
}
