package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"hash/fnv"
	"net/netip"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/netlab"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/internal/testneeds"
)

// echoesOfARound is the most that the plugin sends in a round; loss is counted over as many.
const echoesOfARound = 20

// chance returns a number from 0 to 1 for an echo of a peer: always the same one for the same
// peer, number of the echo and purpose.
func chance(to netip.Addr, nth int, purpose string) float64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s %d %s", to, nth%echoesOfARound, purpose)
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}

// fault is what a link does to the echoes to some of the peers.
type fault struct {
	name string
	to   func(e netlab.Echo) []netlab.Answer
}

func faults() []fault {
	return []fault{
		{"nothing", losing(0)},
		{"1% loss", losing(0.01)},
		{"20% loss", losing(0.2)},
		{"60% loss", losing(0.6)},
		{"duplicates", func(e netlab.Echo) []netlab.Answer { return append(losing(0)(e), losing(0.7)(e)...) }},
		{"reordering", func(e netlab.Echo) []netlab.Answer { // some are overtaken by the next ones
			out := losing(0.05)(e)
			if len(out) > 0 && chance(e.To, e.Nth, "overtaken") < 0.25 {
				out[0].After += 300 * time.Millisecond
			}
			return out
		}},
		{"jitter", func(e netlab.Echo) []netlab.Answer {
			out := losing(0.05)(e)
			if len(out) > 0 {
				out[0].After += time.Duration(chance(e.To, e.Nth, "jitter") * float64(100*time.Millisecond))
			}
			return out
		}},
		{"corruption", func(e netlab.Echo) []netlab.Answer { // of a bit somewhere in the ICMP packet
			out := losing(0.05)(e)
			if len(out) > 0 && chance(e.To, e.Nth, "corrupt") < 0.01 {
				bit := int(chance(e.To, e.Nth, "bit") * float64(8*(icmpHeaderLen+usualSize)))
				out[0].Packet[20+bit/8] ^= 1 << (bit % 8)
			}
			return out
		}},
	}
}

// losing is a link that takes 200 ms and loses a share of the echoes.
func losing(share float64) func(e netlab.Echo) []netlab.Answer {
	return func(e netlab.Echo) []netlab.Answer {
		if chance(e.To, e.Nth, "loss") < share {
			return nil
		}
		return []netlab.Answer{{After: 200 * time.Millisecond, Packet: e.Reply()}}
	}
}

// judged is what was found of all peers with the same fault together.
type judged struct {
	sent, received int
	medians        []time.Duration // of the peers that answered
}

func (g *judged) loss() float64 { return 1 - float64(g.received)/float64(g.sent) }

func (g *judged) rtt() time.Duration { return median(slices.Clone(g.medians)) }

// thorough makes more of it; make fping sets it.
var thorough = flag.Bool("thorough", false, "compare with fping over many peers")

// TestAgainstFping measures the same peers over the same faults as fping does, one after the
// other, in one namespace.
func TestAgainstFping(t *testing.T) {
	netlab.Inside(t, func(t *testing.T) {
		if _, err := exec.LookPath("fping"); err != nil {
			testneeds.Missing(t, "needs fping, to compare with: install the package fping")
		}
		all, each, spacing := faults(), 25, 100*time.Millisecond
		if *thorough {
			each, spacing = 125, 250*time.Millisecond
		}
		peers := len(all) * each
		of := map[netip.Addr]func(netlab.Echo) []netlab.Answer{}
		for i := range peers {
			of[netip.MustParseAddr(labAddress(i))] = all[i/each].to
		}
		answer := func(e netlab.Echo) []netlab.Answer {
			if to := of[e.To]; to != nil {
				return to(e)
			}
			return nil
		}
		link := netlab.New(t, 1500)
		// Both measure real time, of a machine that may do other things meanwhile.
		var differ []string
		for try := 1; try <= fpingTries; try++ {
			var theirs, ours []judged
			t.Run(fmt.Sprintf("try %d", try), func(t *testing.T) {
				link.Reset(answer)
				theirs = fping(t, peers, each, spacing)
				link.Reset(answer)
				ours = measure(t, peers, each, spacing)
			})
			if t.Failed() {
				return
			}
			if differ = compare(t, all, theirs, ours, each); len(differ) == 0 {
				return
			}
		}
		t.Error(strings.Join(differ, "\n"))
	})
}

// fpingTries is how often both measure, at most, until they agree.
const fpingTries = 10

// compare says in what the plugin does not agree with fping.
func compare(t *testing.T, all []fault, theirs, ours []judged, each int) (differ []string) {
	t.Helper()
	say := func(format string, args ...any) { differ = append(differ, fmt.Sprintf(format, args...)) }
	for i, f := range all {
		a, b := theirs[i], ours[i]
		t.Logf("%s: fping finds %.4f lost, %s; we %.4f, %s", f.name, a.loss(), a.rtt(), b.loss(), b.rtt())
		if a.sent != each*echoesOfARound || b.sent != a.sent {
			say("%s: fping sent %d, we %d, not %d", f.name, a.sent, b.sent, each*echoesOfARound)
		}
		if d := b.received - a.received; d*1000 >= a.sent || d*1000 <= -a.sent {
			say("%s: the losses differ by %d of %d echoes", f.name, d, a.sent)
		}
		if d := (b.rtt() - a.rtt()).Abs(); d >= a.rtt()/20 {
			say("%s: the medians differ by %s", f.name, d)
		}
	}
	return differ
}

// fping measures with fping.
func fping(t *testing.T, peers, each int, spacing time.Duration) []judged {
	t.Helper()
	args := []string{
		"-q", "-C", strconv.Itoa(echoesOfARound), "-p", strconv.FormatInt(spacing.Milliseconds(), 10),
		"-i", "0.1", "-t", "1000", "-b", strconv.Itoa(usualSize),
	}
	number := map[string]int{}
	for i := range peers {
		args = append(args, labAddress(i))
		number[labAddress(i)] = i
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "fping", args...)
	cmd.Stderr = &out
	_ = cmd.Run() // it fails if a peer did not answer
	groups := make([]judged, peers/each)
	for lines := bufio.NewScanner(&out); lines.Scan(); {
		address, times, ok := strings.Cut(lines.Text(), " : ")
		i, known := number[strings.TrimSpace(address)]
		switch {
		case strings.Contains(times, "duplicate for"):
			continue
		case !ok || !known:
			t.Fatalf("fping says %q", lines.Text())
		}
		g := &groups[i/each]
		var rtts []time.Duration
		for _, word := range strings.Fields(times) {
			g.sent++
			if word == "-" {
				continue
			}
			ms, err := strconv.ParseFloat(word, 64)
			if err != nil {
				t.Fatalf("fping says %q", lines.Text())
			}
			rtts = append(rtts, time.Duration(ms*float64(time.Millisecond)))
		}
		if g.received += len(rtts); len(rtts) > 0 {
			g.medians = append(g.medians, median(rtts))
		}
	}
	return groups
}

// measure measures with the plugin: one round, the second, which is spread over its interval.
func measure(t *testing.T, peers, each int, spacing time.Duration) []judged {
	t.Helper()
	probe := labProbe(t, peers, map[string]any{
		"interval": (echoesOfARound * spacing).String(), "timeout": "1s", "count": echoesOfARound,
	})
	second := map[mesh.NodeID]mesh.RTTSample{}
	seldom := time.NewTicker(spacing) // calls cost CPU time, which would show in the times
	defer seldom.Stop()
	testkit.Until(t, "all have finished their second round", func() bool {
		<-seldom.C
		got, err := probe.SampleRTT(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range got.Samples {
			if _, have := second[s.Peer]; s.Round >= 2 && !have {
				second[s.Peer] = s
			}
		}
		return len(second) == peers
	})
	groups := make([]judged, peers/each)
	for peer, s := range second {
		g := &groups[int(peer-2)/each]
		g.sent, g.received = g.sent+int(s.Sent), g.received+int(s.Received)
		if s.RTT > 0 {
			g.medians = append(g.medians, s.RTT)
		}
	}
	return groups
}
