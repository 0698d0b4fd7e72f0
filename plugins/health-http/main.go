package main

import "github.com/meshos/meshos/pluginsdk"

const version = "1.0.0"

func main() {
	pluginsdk.Main(pluginsdk.Info{
		Name:          "health-http",
		Version:       version,
		Doc:           "Reports the health of peers by an HTTP request or a gRPC health check.",
		HealthSchemes: schemes(),
		SharedPeers:   true,
	}, newProbe)
}
