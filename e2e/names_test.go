package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/meshos/meshos/internal/netlab"
	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// inNames runs a test in a namespace with a name server that all programs ask.
func inNames(t *testing.T, test func(t *testing.T, l *lab, dns *netlab.DNS)) {
	netlab.Inside(t, func(t *testing.T) {
		l := &lab{node: prepare(t), link: netlab.New(t, 1500)}
		dns := netlab.NewDNS(t, "127.0.0.1:53")
		dns.ForAll(t)
		test(t, l, dns)
	})
}

func (l *lab) probing(peers string) {
	l.write(fmt.Sprintf(`[node]
id = 1
listen = %q
[loop]
tick_interval = "50ms"
[plugins]
dir = %q
[[plugin]]
name = "health-tcp"
[plugin.config]
interval = "200ms"
[[plugin]]
name = "health-http"
[plugin.config]
interval = "200ms"
[[plugin]]
name = "locality-icmp"
[plugin.config]
interval = "200ms"
timeout = "200ms"
%s`, l.listen, filepath.Join(bin, "plugins"), peers))
}

// Every probe of a node with 1,000 peers needs their names, all the time, and one of them never
// resolves: together they ask for each name once a minute, for A and for AAAA.
func TestAThousandNamesAreAskedForOnceAMinute(t *testing.T) {
	t.Parallel()
	inNames(t, func(t *testing.T, l *lab, dns *netlab.DNS) {
		const peers = 1000
		dns.Fill(func(host string) (netlab.Name, bool) {
			return netlab.Name{A: []string{"127.0.0.1"}}, strings.HasSuffix(host, ".lab.")
		})
		dns.Set("peer7.lab.", netlab.Name{Code: dnsmessage.RCodeServerFailure})
		var text strings.Builder
		for n := range peers {
			health := fmt.Sprintf("peer%d.lab:1", n)
			if n%2 == 1 {
				health = "http://" + health
			}
			fmt.Fprintf(&text, "[[peer]]\nid = %d\naddress = \"peer%d.lab\"\nhealth = %q\n", n+2, n, health)
		}
		l.probing(text.String())
		began := time.Now()
		l.start()
		// Nobody listens: three attempts make a peer unreachable, and each needs its address.
		l.until("all but one are judged", func(s *meshosv1.Snapshot) bool {
			judged := 0
			for _, p := range s.GetPeers() {
				if p.GetHealth() == meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE {
					judged++
				}
			}
			return judged == peers-1
		})
		tick := l.snapshot().GetTick()
		l.until("some more rounds", func(s *meshosv1.Snapshot) bool { return s.GetTick() > tick+60 })
		minutes := 1 + int(time.Since(began)/(54*time.Second)) // they are up to a tenth shorter
		// A resolver asks twice if a server fails, and a name of which nothing is known is
		// looked up sooner.
		if n, most := dns.Queries(""), 2*peers*minutes+100; n < 2*peers || n > most {
			t.Errorf("%d questions in %s, want at most %d", n, time.Since(began), most)
		}
		for _, host := range []string{"peer1.lab.", "peer2.lab.", "peer999.lab."} {
			if n := dns.Queries(host); n < 2 || n > 2*minutes {
				t.Errorf("%s: %d questions in %s", host, n, time.Since(began))
			}
		}
	})
}

func TestOfTwoFamiliesTheOneThatAnswersIsUsedAndSaid(t *testing.T) {
	t.Parallel()
	inNames(t, func(t *testing.T, l *lab, dns *netlab.DNS) {
		const six, four = "fd77:1::2", "10.78.0.2"
		for _, ip := range []string{six, four} {
			l.link.Own(t, netip.MustParseAddr(ip))
		}
		server, err := net.Listen("tcp", "[::]:7000")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Close() })
		dns.Set("both.lab.", netlab.Name{A: []string{four}, AAAA: []string{six}})
		dns.Set("dead6.lab.", netlab.Name{A: []string{four}, AAAA: []string{"fd77::dead"}})
		dns.Set("dead4.lab.", netlab.Name{A: []string{"10.77.9.9"}, AAAA: []string{six}})
		names := []string{"both", "dead6", "dead4", "only4"}
		dns.Set("only4.lab.", netlab.Name{A: []string{four}, AAAA: []string{six}})
		var text strings.Builder
		for i, name := range names {
			fmt.Fprintf(&text, "[[peer]]\nid = %d\nname = %q\naddress = \"%s.lab\"\nhealth = \"%s.lab:7000\"\n", i+2, name, name, name)
		}
		text.WriteString("family = \"4\"\n")
		l.probing(text.String())
		l.start()
		const v4, v6 = meshosv1.AddressFamily_ADDRESS_FAMILY_IPV4, meshosv1.AddressFamily_ADDRESS_FAMILY_IPV6
		want := map[string]meshosv1.AddressFamily{"both": v6, "dead6": v4, "dead4": v6, "only4": v4}
		l.until("all are measured by the family that answers", func(s *meshosv1.Snapshot) bool {
			for _, p := range s.GetPeers() {
				family := want[p.GetName()]
				if p.GetHealth() != meshosv1.NodeHealth_NODE_HEALTH_HEALTHY || p.GetHealthFamily() != family || p.GetRtt() == nil || p.GetEchoes().GetFamily() != family {
					return false
				}
			}
			return len(s.GetPeers()) == len(names)
		})
		for _, p := range l.snapshot().GetPeers() {
			if p.GetLoss() > 0 {
				t.Errorf("%s: %v lost", p.GetName(), p.GetLoss())
			}
		}
		for command, wants := range map[string][]string{
			"explain peer dead6": {" by IPv4 ", "healthy by IPv4", "dead6.lab: resolves to fd77::dead, 10.78.0.2"},
			"explain peer only4": {"only4.lab (IPv4 only): resolves to 10.78.0.2"},
			"status --all":       {"IPv6", "IPv4"},
		} {
			out := l.must(strings.Fields(command)...)
			for _, w := range wants {
				if !strings.Contains(strings.Join(strings.Fields(out), " "), w) {
					t.Errorf("%s without %q:\n%s", command, w, out)
				}
			}
		}
		testkit.Until(t, "each family is probed", func() bool {
			out, _, code := l.meshos("probe", "dead6")
			return code == 0 && strings.Contains(out, "IPv6: fd77::dead: timed out") && strings.Contains(out, "IPv4: 10.78.0.2: ") &&
				strings.Contains(out, "address: 10.78.0.2")
		})
	})
}

// A name that is gone, or that no server can resolve, is said at once, and is no loss.
func TestANameThatDoesNotResolveIsSaidAtOnceAndIsNoLoss(t *testing.T) {
	t.Parallel()
	inNames(t, func(t *testing.T, l *lab, dns *netlab.DNS) {
		dns.Set("broken.lab.", netlab.Name{Code: dnsmessage.RCodeServerFailure})
		dns.Set("four.lab.", netlab.Name{A: []string{"127.0.0.1"}})
		l.probing(`[[peer]]
id = 2
name = "gone"
address = "gone.lab"
health = "gone.lab:7000"
[[peer]]
id = 3
name = "broken"
address = "broken.lab"
health = "http://broken.lab:7000/"
[[peer]]
id = 4
name = "four"
address = "four.lab"
family = "6"
`)
		l.start()
		why := map[string]string{"gone": "no such name", "broken": "the name server fails", "four": "no IPv6 address under this name"}
		s := l.until("all is said", func(s *meshosv1.Snapshot) bool {
			for _, p := range s.GetPeers() {
				if p.GetRttReason() != why[p.GetName()] {
					return false
				}
			}
			return len(s.GetPeers()) == 3 && len(s.GetUnresolved()) == 3
		})
		l.until("some more rounds", func(next *meshosv1.Snapshot) bool {
			s, next = next, s
			return s.GetTick() > next.GetTick()+20 || s.GetTick() > 100
		})
		for _, p := range s.GetPeers() {
			if p.GetHealth() != meshosv1.NodeHealth_NODE_HEALTH_UNSPECIFIED || p.GetEchoes().GetState() == meshosv1.EchoView_STATE_LOST || p.Loss != nil || p.GetEchoes().GetSent() > 0 {
				t.Errorf("%s is judged: %v", p.GetName(), p)
			}
		}
		if len(s.GetAvoidList()) > 0 {
			t.Errorf("avoided: %v", s.GetAvoidList())
		}
		status, explained := l.must("status"), l.must("explain", "peer", "gone")
		for text, wants := range map[string][]string{
			status:                       {"NAMES", "gone.lab", "no such name", "broken.lab", "the name server fails", "nothing"},
			explained:                    {"gone.lab: no such name for", "it is not checked: no such name: gone.lab", "says nothing about"},
			l.out.String():               {"gone.lab: no such name: its peers are not measured", "broken.lab: the name server fails: "},
			l.must("logs", "-n", "1000"): {"gone.lab: no such name: its peers are not measured"},
		} {
			for _, w := range wants {
				if !strings.Contains(strings.Join(strings.Fields(text), " "), w) {
					t.Errorf("without %q:\n%s", w, text)
				}
			}
		}
		if n := l.metric(`meshos_names{lookup="no_such_name",node="1"}`); n != 2 {
			t.Errorf("%v names that do not exist", n)
		}
		dns.Set("gone.lab.", netlab.Name{A: []string{"127.0.0.1"}})
		if _, stderr, code := l.meshos("probe", "broken"); code == 0 || !strings.Contains(stderr+l.out.String(), "broken.lab") {
			t.Errorf("probe: %d, %s", code, stderr)
		}
	})
}
