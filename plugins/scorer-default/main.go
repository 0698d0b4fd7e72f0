package main

import "github.com/meshos/meshos/pluginsdk"

func main() { pluginsdk.Main(info, construct) }

var info = pluginsdk.Info{
	Name:    "scorer-default",
	Version: "1.0.0",
	Doc:     "Rates nodes as holders of chains by round-trip time, health, load, memory, disk, maintenance, cordon and avoid state.",
}

func construct(env pluginsdk.Env, cfg config) (*scorer, error) {
	return &scorer{self: env.Node, formula: cfg.formula()}, nil
}
