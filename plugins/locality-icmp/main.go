package main

import "github.com/meshos/meshos/pluginsdk"

func main() {
	pluginsdk.Main(pluginsdk.Info{
		Name:        "locality-icmp",
		Version:     "1.0.0",
		Doc:         "Measures round-trip times to peers by ICMP echo.",
		SharedPeers: true,
	}, newProbe)
}
