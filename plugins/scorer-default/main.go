package main

import "github.com/meshos/meshos/pluginsdk"

const (
	name    = "scorer-default"
	version = "1.0.0"
)

func main() {
	pluginsdk.Main(pluginsdk.Info{
		Name:    name,
		Version: version,
		Doc:     "Scores nodes as holders of chains by round-trip time, health, load, memory, disk, maintenance, cordon and avoid state.",
	}, construct)
}

func construct(env pluginsdk.Env, cfg config) (*scorer, error) {
	return &scorer{self: env.Node, formula: cfg.formula()}, nil
}
