package main

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"time"

	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/meshos/meshos/internal/netlab"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
)

// dual is a peer whose name the host has looked up.
func dual(target string, ips ...string) pluginsdk.Peer {
	known := pluginsdk.HostAddresses{Host: "dual.example", Lookup: pluginsdk.LookupFound}
	for _, ip := range ips {
		known.IPs = append(known.IPs, netip.MustParseAddr(ip))
	}
	return pluginsdk.Peer{ID: 2, Name: "dual", HealthTarget: target, Addresses: pluginsdk.NewAddresses(known)}
}

// becomesHealthy waits until the verdict is healthy, and returns it; meanwhile it may be nothing else
// than bearable says.
func becomesHealthy(t *testing.T, c *plugintest.Client, bearable func(pluginsdk.HealthSample) bool) (last pluginsdk.HealthSample) {
	t.Helper()
	testkit.Until(t, "healthy", func() bool {
		samples, err := c.SampleHealth()
		if err != nil {
			t.Fatal(err)
		}
		if len(samples) == 0 {
			return false
		}
		last = samples[0]
		if last.Health != pluginsdk.Healthy && !bearable(last) {
			t.Fatalf("it is said to be %+v", last)
		}
		return last.Health == pluginsdk.Healthy
	})
	return last
}

// The name, which resolves nowhere, is that of the certificate and of the request.
func TestTheNameIsKeptForTLSAndTheRequest(t *testing.T) {
	ca := newAuthority(t)
	asked := make(chan string, 100)
	address := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case asked <- r.Host + " by " + r.TLS.ServerName:
		default:
		}
	}), with(ca.sign("dual.example", -time.Hour, 1000*time.Hour)))
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	target := "https://dual.example:" + u.Port() + "/"
	c := plugintest.StartRaw(t, newProbe, patient(map[string]any{"ca_file": ca.file}), plugintest.WithPeers(dual(target, "127.0.0.9", "127.0.0.1")))
	becomesHealthy(t, c, func(pluginsdk.HealthSample) bool { return false })
	if got, want := <-asked, "dual.example:"+u.Port()+" by dual.example"; got != want {
		t.Errorf("asked for %q, want %q", got, want)
	}
}

// One family is dead: it swallows packets, or its kernel accepts and nothing answers.
func TestInANetworkTheFamilyThatAnswersIsChecked(t *testing.T) {
	const liveSix, liveFour, hungSix = "fd77:1::2", "10.78.0.2", "fd77:1::9"
	for name, tt := range map[string]struct {
		ips  []string
		hung bool
		want pluginsdk.Family
	}{
		"IPv6 is dead":             {[]string{"fd77::dead", liveFour}, false, pluginsdk.IPv4},
		"IPv4 is dead":             {[]string{liveSix, "10.77.9.9"}, false, pluginsdk.IPv6},
		"IPv6 accepts and is hung": {[]string{hungSix, liveFour}, true, pluginsdk.IPv4},
	} {
		for _, scheme := range []string{"http", "grpc"} {
			t.Run(scheme+" "+name, func(t *testing.T) {
				t.Parallel()
				netlab.Inside(t, func(t *testing.T) {
					link := netlab.New(t, 1500)
					for _, ip := range []string{liveSix, liveFour, hungSix} {
						link.Own(t, netip.MustParseAddr(ip))
					}
					hangs := listenOn(t, "["+hungSix+"]:7878")
					defer hangs.Close()
					for _, ip := range []string{"[" + liveSix + "]", liveFour} {
						if scheme == "grpc" {
							serveGRPCOn(t, listenOn(t, ip+":7878"), nil, map[string]healthv1.HealthCheckResponse_ServingStatus{"": healthv1.HealthCheckResponse_SERVING})
						} else {
							server := httptest.NewUnstartedServer(says(200, "ok"))
							server.Listener = listenOn(t, ip+":7878")
							server.Start()
							t.Cleanup(server.Close)
						}
					}
					c := plugintest.StartRaw(t, newProbe,
						map[string]any{"interval": "100ms", "timeout": "600ms", "degraded_after": "500ms", "failures": 10},
						plugintest.WithPeers(dual(scheme+"://dual.example:7878", tt.ips...)))
					last := becomesHealthy(t, c, func(s pluginsdk.HealthSample) bool { return tt.hung && s.Health == pluginsdk.Degraded })
					if last.Family != tt.want {
						t.Errorf("checked by %s", last.Family)
					}
				})
			})
		}
	}
}
