package main

import "github.com/meshos/meshos/pluginsdk"

const (
	name    = "appender-jsonl"
	version = "1.0.0"
)

func main() {
	pluginsdk.Main(pluginsdk.Info{
		Name:    name,
		Version: version,
		Doc:     "Writes the records of each chain as lines of JSON into rotated files.",
	}, construct)
}
