package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
)

// names is a name service whose answers a test changes.
type names struct {
	mu      sync.Mutex
	answers map[string]string // addresses by name, separated by spaces
	err     error
	asked   int
}

func (n *names) set(name, ips string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers[name] = ips
}

func (n *names) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	if n.err != nil {
		return nil, n.err
	}
	if n.answers[host] == "hang" {
		n.mu.Unlock()
		<-ctx.Done()
		n.mu.Lock()
		return nil, ctx.Err()
	}
	var ips []netip.Addr
	for _, s := range strings.Fields(n.answers[host]) {
		ips = append(ips, netip.MustParseAddr(s))
	}
	if len(ips) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return ips, nil
}

// resolving runs a resolver in virtual time. got returns what it published last,
// logged all of its log.
func resolving(t *testing.T, n *names, unusable [families]error, test func(r *resolver, got func() string, logged func() string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var out plugintest.Buffer
		var last []target
		publish := func(ts []target) { last = ts }
		r := newResolver(n.lookup, time.Minute, unusable, publish, hclog.New(&hclog.LoggerOptions{Output: &out, Level: hclog.Info}))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.Run(ctx) }()
		test(r, func() string {
			var s []string
			for _, tg := range last {
				s = append(s, tg.address+"="+tg.addr.String())
			}
			slices.Sort(s)
			return strings.Join(s, " ")
		}, out.String)
		cancel()
		<-done
	})
}

func peersAt(addresses ...string) []pluginsdk.Peer {
	var peers []pluginsdk.Peer
	for i, a := range addresses {
		peers = append(peers, pluginsdk.Peer{ID: uint64(i + 1), Address: a})
	}
	return peers
}

func want(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAddressesThatAreIPsNeedNoLookup(t *testing.T) {
	n := &names{err: errors.New("never asked")}
	resolving(t, n, [families]error{}, func(r *resolver, got, _ func() string) {
		r.SetPeers(peersAt("192.0.2.1", "", "2001:db8::1", "::ffff:192.0.2.9", "fe80::1%eth0"))
		want(t, got(), "192.0.2.1=192.0.2.1 2001:db8::1=2001:db8::1 ::ffff:192.0.2.9=192.0.2.9 fe80::1%eth0=fe80::1%eth0")
		after(3 * time.Minute)
		if n.asked != 0 {
			t.Errorf("%d lookups", n.asked)
		}
	})
}

func TestANameFollowsItsAddress(t *testing.T) {
	n := &names{answers: map[string]string{"a.example": "192.0.2.1 192.0.2.2"}}
	resolving(t, n, [families]error{}, func(r *resolver, got, _ func() string) {
		r.SetPeers(peersAt("a.example"))
		after(time.Millisecond)
		want(t, got(), "a.example=192.0.2.1")
		n.set("a.example", "192.0.2.2 192.0.2.1")
		after(time.Minute)
		want(t, got(), "a.example=192.0.2.1") // still among the answers
		n.set("a.example", "192.0.2.3")
		after(time.Minute)
		want(t, got(), "a.example=192.0.2.3")
		n.set("a.example", "")
		after(time.Minute)
		want(t, got(), "a.example=192.0.2.3") // kept: the peer may still be there
	})
}

func TestANameThatDoesNotResolveIsLoggedOncePerChange(t *testing.T) {
	n := &names{answers: map[string]string{}}
	resolving(t, n, [families]error{}, func(r *resolver, got, logged func() string) {
		r.SetPeers(peersAt("gone.example"))
		after(10 * time.Minute)
		if c := strings.Count(logged(), "no such name"); c != 1 || got() != "" {
			t.Errorf("said %d times, targets %q:\n%s", c, got(), logged())
		}
		n.mu.Lock()
		n.err = &net.DNSError{Err: "read udp 10.0.0.1:4242->10.0.0.2:53: i/o timeout", IsTimeout: true}
		n.mu.Unlock()
		after(time.Minute)
		if c := strings.Count(logged(), "does not answer in time"); c != 1 {
			t.Errorf("a new reason was said %d times:\n%s", c, logged())
		}
		n.mu.Lock()
		n.err, n.answers["gone.example"] = nil, "192.0.2.1"
		n.mu.Unlock()
		after(retryUnsettled)
		want(t, got(), "gone.example=192.0.2.1")
		if !strings.Contains(logged(), "resolves again") {
			t.Errorf("the recovery was not said:\n%s", logged())
		}
	})
}

func TestASlowNameDoesNotDelayTheOthers(t *testing.T) {
	n := &names{answers: map[string]string{"slow.example": "hang", "b.example": "192.0.2.2"}}
	resolving(t, n, [families]error{}, func(r *resolver, got, logged func() string) {
		r.SetPeers(peersAt("slow.example", "192.0.2.1"))
		want(t, got(), "192.0.2.1=192.0.2.1")
		after(lookupTimeout + time.Second)
		if !strings.Contains(logged(), "does not answer in time") {
			t.Errorf("logged:\n%s", logged())
		}
		r.SetPeers(peersAt("b.example"))
		after(lookupTimeout)
		want(t, got(), "b.example=192.0.2.2")
		if len(r.known) != 1 {
			t.Errorf("left behind: %v", r.known)
		}
	})
}

func TestAMissingFamilyMattersOnlyToPeersThatNeedIt(t *testing.T) {
	n := &names{answers: map[string]string{"both.example": "2001:db8::2 192.0.2.2", "six.example": "2001:db8::3"}}
	unusable := [families]error{familyV6: errors.New("no IPv6 socket, grant it")}
	resolving(t, n, unusable, func(r *resolver, got, logged func() string) {
		r.SetPeers(peersAt("192.0.2.1", "both.example"))
		after(time.Second)
		want(t, got(), "192.0.2.1=192.0.2.1 both.example=192.0.2.2")
		want(t, logged(), "")
		r.SetPeers(peersAt("192.0.2.1", "six.example", "::1"))
		after(10 * time.Minute)
		want(t, got(), "192.0.2.1=192.0.2.1")
		if c := strings.Count(logged(), "grant it"); c != 2 {
			t.Errorf("said %d times, want once for each of the two peers:\n%s", c, logged())
		}
	})
}
