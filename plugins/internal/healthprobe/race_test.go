package healthprobe

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/internal/netlab"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk"
)

// connecting is an AttemptFunc that connects.
func connecting(ctx context.Context, target string, via Route) Attempt {
	c, err := Dialer{}.Dial(ctx, target, via)
	if err != nil {
		return Attempt{Err: err}
	}
	_ = c.Close()
	return Attempt{Took: c.Took, Remote: c.Remote}
}

func addresses(texts ...string) (out []netip.Addr) {
	for _, text := range texts {
		out = append(out, netip.MustParseAddr(text))
	}
	return out
}

func TestTheFirstAddressThatAnswersIsConnected(t *testing.T) {
	open := netip.MustParseAddrPort(testkit.Accepting(t)) // of 127.0.0.1 alone
	target := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.9"), open.Port()).String()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	a := connecting(ctx, target, Route{Addresses: addresses("127.0.0.2", "127.0.0.3", "127.0.0.1")})
	if a.Err != nil || a.Remote != open.String() {
		t.Errorf("connected to %q: %v", a.Remote, a.Err)
	}
	a = connecting(ctx, target, Route{Addresses: addresses("127.0.0.2", "127.0.0.3")})
	if why, _ := Reason(a.Err); why != string(refused) {
		t.Errorf("nobody listens: %v", a.Err)
	}
}

// In the namespace, packets to other addresses of fd77::/64 and 10.77.0.0/16 vanish.
func TestInANetworkADeadFamilyDelaysNoVerdict(t *testing.T) {
	const deadSix, deadFour, liveSix, liveFour = "fd77::dead", "10.77.9.9", "fd77:1::2", "10.78.0.2"
	for name, tt := range map[string]struct {
		ips  []string
		want pluginsdk.Family
	}{
		"both alive":   {[]string{liveSix, liveFour}, pluginsdk.IPv6},
		"IPv6 is dead": {[]string{deadSix, liveFour}, pluginsdk.IPv4},
		"IPv4 is dead": {[]string{liveSix, deadFour}, pluginsdk.IPv6},
		"dead first":   {[]string{deadFour, liveSix}, pluginsdk.IPv6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			netlab.Inside(t, func(t *testing.T) {
				link := netlab.New(t, 1500)
				link.Own(t, netip.MustParseAddr(liveSix))
				link.Own(t, netip.MustParseAddr(liveFour))
				testkit.AcceptingOn(t, "[::]:7878")
				p := New(Settings{
					Policy: Policy{DegradedAfter: 200 * time.Millisecond, Failures: 3, Successes: 2}, Interval: 100 * time.Millisecond,
					Timeout: time.Second, Concurrency: 8, Schemes: []string{"tcp"},
				}, connecting, hclog.NewNullLogger())
				peer := pluginsdk.Peer{ID: 2, HealthTarget: "dual.example:7878", Addresses: pluginsdk.NewAddresses(pluginsdk.HostAddresses{
					Host: "dual.example", IPs: addresses(tt.ips...), Lookup: pluginsdk.LookupFound,
				})}
				p.SetPeers([]pluginsdk.Peer{peer})
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- p.Run(ctx) }()
				defer func() { cancel(); <-done }()
				testkit.Until(t, "a verdict", func() bool {
					got, complete := p.Health([]pluginsdk.Peer{peer})
					if len(got) == 0 {
						return false
					}
					if got[0].Health != pluginsdk.Healthy || !complete {
						t.Fatalf("said to be %+v", got[0])
					}
					return got[0].Family == tt.want
				})
				// From now on the dead one delays nothing.
				p.mu.Lock()
				used := p.targets[2].choice.Order()[0]
				p.mu.Unlock()
				if pluginsdk.FamilyOf(used) != tt.want {
					t.Errorf("%s is tried first", used)
				}
			})
		})
	}
}
