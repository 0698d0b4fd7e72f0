package main

import (
	"testing"
	"time"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
)

func TestEveryPeerTakesTheConfiguredTime(t *testing.T) {
	plugin := plugintest.Start(t, newConstant, config{RTT: pluginsdk.Duration(7 * time.Millisecond)})
	samples, err := plugin.SampleRTT(pluginsdk.Peer{ID: 2}, pluginsdk.Peer{ID: 3})
	if err != nil || len(samples) != 2 || samples[1].RTT != 7*time.Millisecond {
		t.Fatalf("got %v, %v", samples, err)
	}
}
