package main

import "github.com/meshos/meshos/pluginsdk"

func main() {
	pluginsdk.Main(pluginsdk.Info{
		Name:          "health-tcp",
		Version:       "1.1.0",
		Doc:           "Reports the health of peers by connecting to their health address.",
		HealthSchemes: schemes(),
		SharedPeers:   true,
	}, newProbe)
}
