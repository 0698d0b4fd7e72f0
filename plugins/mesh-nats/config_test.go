package main

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/pluginsdk/plugintest"
)

func TestAMistakeInTheConfigurationNamesItsKey(t *testing.T) {
	c := plugintest.Serve(t, newNode)
	seed := "10.0.0.1:7420"
	for _, tc := range []struct {
		cfg  map[string]any
		want string // "" if there is no mistake
	}{
		{map[string]any{"seeds": []any{seed}}, ""},
		{map[string]any{"seeds": []any{seed}, "listen": seed}, ""},
		{map[string]any{"seeds": []any{"a.example:7420"}, "listen": ":7420", "advertise": "a.example:7420"}, ""},
		{map[string]any{}, "seeds"},
		{map[string]any{"seeds": []any{}}, "seeds"},
		{map[string]any{"seeds": []any{"10.0.0.1"}}, `seeds: "10.0.0.1" is not host:port`},
		{map[string]any{"seeds": []any{seed, seed}}, `seeds: "10.0.0.1:7420" is named twice`},
		{map[string]any{"seeds": []any{"10.0.0.1:65535"}}, "seeds: "},
		{map[string]any{"seeds": []any{"10.0.0.1:http"}}, `"http" is not a port`},
		{map[string]any{"seeds": []any{seed}, "listen": "10.0.0.2:7420"}, "seeds: 10.0.0.2:7420, where this seed is reached, is not among them"},
		{map[string]any{"seeds": []any{seed}, "listen": "0.0.0.0:7420"}, "advertise: listen (0.0.0.0:7420) names no address"},
		{map[string]any{"seeds": []any{seed}, "listen": "10.0.0.1"}, "listen: "},
		{map[string]any{"seeds": []any{seed}, "listen": "10.0.0.1:65535"}, "listen: port 65535"},
		{map[string]any{"seeds": []any{seed}, "advertise": seed}, "advertise: this node is no seed"},
		{map[string]any{"seeds": []any{seed}, "session": "1ms"}, "session"},
		{map[string]any{"seeds": []any{seed}, "beacon": "1h"}, "beacon"},
		{map[string]any{"seeds": []any{seed}, "max_log": 5.0}, "max_log"},
		{map[string]any{"seeds": []any{seed}, "replicas": 3.0}, "replicas"},
	} {
		err := c.Validate(tc.cfg)
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%v: %v", tc.cfg, err)
		case tc.want != "" && (status.Code(err) != codes.InvalidArgument || !strings.Contains(status.Convert(err).Message(), tc.want)):
			t.Errorf("%v: %v, want %q", tc.cfg, err, tc.want)
		}
	}
}

func TestAnEvenNumberOfSeedsIsAWarning(t *testing.T) {
	for n, want := range map[int]bool{1: false, 2: true, 3: false, 4: true} {
		if got := len(config{Seeds: make([]string, n)}.warnings()) > 0; got != want {
			t.Errorf("%d seeds: a warning is %t", n, got)
		}
	}
}

func TestWithoutTheKeysOfANodeNothingStarts(t *testing.T) {
	c := plugintest.Serve(t, newNode)
	err := c.ReconfigureRaw(map[string]any{"seeds": []any{"10.0.0.1:7420"}})
	if err == nil || !strings.Contains(err.Error(), "mesh plugin of a node only") {
		t.Error(err)
	}
}

func TestMistakesAboutChains(t *testing.T) {
	three := []string{"127.0.0.1:1", "127.0.0.2:1", "127.0.0.3:1"}
	for want, cfg := range map[string]config{
		"write in chains_listen the host:port":     {Seeds: three, Chains: true},
		"it is for nodes that are no seeds":        {Seeds: three, Listen: three[0], Chains: true, ChainsListen: three[0]},
		"is not the public key of a user":          {Seeds: three, Clients: "127.0.0.1:4222", ClientsNkeys: []string{"UX"}},
		"needs three seeds or more, and there are": {Listen: three[0], Seeds: three[:1], Chains: true},
		"name the file of the token":               {Listen: three[0], Seeds: three, Chains: true, Clients: "127.0.0.1:4222"},
		"programs reach no port":                   {Listen: three[0], Seeds: three, Chains: true, ClientsToken: "x"},
		"10.0.0.1 is no loopback address":          {Listen: three[0], Seeds: three, Chains: true, Clients: "10.0.0.1:4222", ClientsToken: "x"},
	} {
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	good := config{Listen: three[0], Seeds: three, Chains: true, Clients: "127.0.0.1:4222", ClientsToken: "x"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
}
