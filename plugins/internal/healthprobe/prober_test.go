package healthprobe

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
)

// world answers attempts as a test sets it, in virtual time.
type world struct {
	mu       sync.Mutex
	answers  map[string]func(ctx context.Context) Attempt
	started  map[string][]time.Time
	out, max int // running attempts, and their highest number
}

func newWorld() *world {
	return &world{answers: make(map[string]func(context.Context) Attempt), started: make(map[string][]time.Time)}
}

func (w *world) set(address string, answer func(context.Context) Attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers[address] = answer
}

func (w *world) dial(ctx context.Context, address string, _ Route) Attempt {
	w.mu.Lock()
	w.started[address] = append(w.started[address], time.Now())
	w.out++
	w.max = max(w.max, w.out)
	answer := w.answers[address]
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.out--
		w.mu.Unlock()
	}()
	return answer(ctx)
}

func connects(took time.Duration) func(context.Context) Attempt {
	return func(context.Context) Attempt {
		time.Sleep(took)
		return Attempt{Took: took, Remote: "192.0.2.1:80"}
	}
}

func refuses(context.Context) Attempt { return Attempt{Err: dialError(unix.ECONNREFUSED)} }

func swallows(ctx context.Context) Attempt {
	<-ctx.Done()
	return Attempt{Err: ctx.Err()}
}

func exhausted(context.Context) Attempt { return Attempt{Err: dialError(unix.EMFILE)} }

var usual = Settings{Policy: usualPolicy, Interval: time.Second, Timeout: time.Second, Concurrency: 256, Schemes: []string{"tcp"}}

func peersOf(addresses ...string) []pluginsdk.Peer {
	var peers []pluginsdk.Peer
	for i, a := range addresses {
		peers = append(peers, pluginsdk.Peer{ID: uint64(i + 1), HealthTarget: a})
	}
	return peers
}

// bubble runs a prober in virtual time; logged returns its log.
func bubble(t *testing.T, set Settings, w *world, peers []pluginsdk.Peer, test func(p *Prober, logged func() string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var out plugintest.Buffer
		p := New(set, w.dial, hclog.New(&hclog.LoggerOptions{Output: &out, Level: hclog.Info}))
		p.SetPeers(peers)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		test(p, out.String)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func wantHealth(t *testing.T, p *Prober, peer uint64, address string, want pluginsdk.Health) {
	t.Helper()
	got := unknown
	samples, _ := p.Health([]pluginsdk.Peer{{ID: peer, HealthTarget: address}})
	for _, s := range samples {
		got = s.Health
	}
	if got != want {
		t.Errorf("peer %d: %v; want %v", peer, got, want)
	}
}

// An answer before the first round is over would wipe out what the process before found.
func TestAnAnswerIsCompleteOnceEveryPeerWasTriedOftenEnough(t *testing.T) {
	w := newWorld()
	w.set("up:1", connects(time.Millisecond))
	w.set("black:1", swallows)
	w.set("ours:1", exhausted)
	peers := append(peersOf("up:1", "black:1", "ours:1"), pluginsdk.Peer{ID: 9})
	bubble(t, usual, w, peers, func(p *Prober, _ func() string) {
		check := func(want bool, judged int) {
			t.Helper()
			if got, complete := p.Health(peers); complete != want || len(got) != judged {
				t.Errorf("%d verdicts, complete %v; want %d, %v", len(got), complete, judged, want)
			}
		}
		after(2900 * time.Millisecond)
		check(false, 1)
		after(time.Second)
		check(true, 2)
		more := append(peers, pluginsdk.Peer{ID: 10, HealthTarget: "black:1"})
		p.SetPeers(more)
		check(true, 2)
		peers = more
		check(false, 2)
		after(5 * time.Second)
		check(true, 3)
		p.SetPeers(nil)
		peers = nil
		check(true, 0)
	})
}

func TestAPeerThatIsNotHealthyHasAReason(t *testing.T) {
	w := newWorld()
	w.set("a:1", connects(time.Millisecond))
	bubble(t, usual, w, peersOf("a:1"), func(p *Prober, _ func() string) {
		check := func(health pluginsdk.Health, reason string) {
			t.Helper()
			after(10 * time.Second)
			got, _ := p.Health(peersOf("a:1"))
			if len(got) != 1 || got[0].Health != health || got[0].Reason != reason {
				t.Errorf("%+v; want %s: %s", got, health, reason)
			}
		}
		check(pluginsdk.Healthy, "")
		w.set("a:1", connects(300*time.Millisecond))
		check(pluginsdk.Degraded, "slower than 250ms")
		w.set("a:1", swallows)
		check(pluginsdk.Unreachable, "timed out")
		w.set("a:1", exhausted)
		check(pluginsdk.Unreachable, "timed out")
		w.set("a:1", refuses)
		check(pluginsdk.Unreachable, "refused: nobody listens")
		w.set("a:1", func(context.Context) Attempt { return Attempt{Err: &net.DNSError{IsNotFound: true}} })
		check(pluginsdk.Unreachable, "no such name")
		w.set("a:1", connects(time.Millisecond))
		check(pluginsdk.Healthy, "")
	})
}

func TestTargetsOfOtherSchemesCountAsNone(t *testing.T) {
	w := newWorld()
	w.set("TCP://a:1", connects(time.Millisecond))
	peers := peersOf("TCP://a:1", "https://b:1/")
	bubble(t, usual, w, peers, func(p *Prober, _ func() string) {
		after(time.Second)
		if got, complete := p.Health(peers); len(got) != 1 || got[0].Peer != 1 || !complete {
			t.Errorf("%+v, complete %v", got, complete)
		}
	})
}

func TestADoubtMakesAPeerThatAnswersDegraded(t *testing.T) {
	w := newWorld()
	w.set("a:1", connects(time.Millisecond))
	bubble(t, usual, w, peersOf("a:1"), func(p *Prober, logged func() string) {
		after(10 * time.Second)
		w.set("a:1", func(context.Context) Attempt { return Attempt{Took: time.Millisecond, Doubt: "expires soon"} })
		after(time.Minute)
		got, _ := p.Health(peersOf("a:1"))
		if len(got) != 1 || got[0].Health != pluginsdk.Degraded || got[0].Reason != "expires soon" {
			t.Errorf("%+v", got)
		}
		if n := strings.Count(logged(), "expires soon"); n != 1 {
			t.Errorf("said %d times:\n%s", n, logged())
		}
	})
}

func TestTheFirstVerdictComesSoonAndIsRight(t *testing.T) {
	w := newWorld()
	w.set("up:1", connects(time.Millisecond))
	w.set("slow:1", connects(300*time.Millisecond))
	w.set("closed:1", refuses)
	w.set("black:1", swallows)
	peers := append(peersOf("up:1", "slow:1", "closed:1", "black:1"), pluginsdk.Peer{ID: 9})
	bubble(t, usual, w, peers, func(p *Prober, logged func() string) {
		after(10 * time.Millisecond)
		wantHealth(t, p, 1, "up:1", pluginsdk.Healthy)
		wantHealth(t, p, 3, "closed:1", unknown)
		after(490 * time.Millisecond)
		wantHealth(t, p, 2, "slow:1", pluginsdk.Degraded)
		wantHealth(t, p, 3, "closed:1", pluginsdk.Unreachable)
		wantHealth(t, p, 4, "black:1", unknown)
		after(2510 * time.Millisecond)
		wantHealth(t, p, 4, "black:1", pluginsdk.Unreachable)
		wantHealth(t, p, 9, "", unknown)
		for _, want := range []string{"peer is healthy", "refused: ", "timed out"} {
			if !strings.Contains(logged(), want) {
				t.Errorf("%q is not in the log:\n%s", want, logged())
			}
		}
	})
}

func TestOnlyTransitionsAreLogged(t *testing.T) {
	w := newWorld()
	w.set("a:1", connects(time.Millisecond))
	bubble(t, usual, w, peersOf("a:1"), func(p *Prober, logged func() string) {
		after(time.Minute)
		w.set("a:1", refuses)
		after(time.Minute)
		wantHealth(t, p, 1, "a:1", pluginsdk.Unreachable)
		w.set("a:1", swallows)
		after(time.Minute)
		w.set("a:1", connects(time.Millisecond))
		after(time.Minute)
		wantHealth(t, p, 1, "a:1", pluginsdk.Healthy)
		// healthy, degraded, unreachable, another reason, healthy
		if n := strings.Count(logged(), "\n"); n != 5 {
			t.Errorf("%d lines, want 5:\n%s", n, logged())
		}
	})
}

func TestAFaultOfThisMachineChangesNoVerdict(t *testing.T) {
	w := newWorld()
	w.set("a:1", connects(time.Millisecond))
	bubble(t, usual, w, peersOf("a:1"), func(p *Prober, logged func() string) {
		after(time.Minute)
		w.set("a:1", exhausted)
		after(time.Minute)
		wantHealth(t, p, 1, "a:1", pluginsdk.Healthy)
		if n := strings.Count(logged(), "short of sockets"); n != 1 {
			t.Errorf("said %d times:\n%s", n, logged())
		}
	})
}

func TestAttemptsAreSpreadOverTheIntervalAndBounded(t *testing.T) {
	w := newWorld()
	var addresses []string
	for i := range 100 {
		a := fmt.Sprintf("peer%d:1", i)
		addresses = append(addresses, a)
		w.set(a, connects(5*time.Millisecond))
	}
	set := usual
	set.Concurrency = 16
	bubble(t, set, w, peersOf(addresses...), func(*Prober, func() string) {
		after(5 * time.Second)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.max > 16 {
			t.Errorf("%d attempts at once, want at most 16", w.max)
		}
		perTenth := make(map[int64]int)
		for a, starts := range w.started {
			if len(starts) < 5 || len(starts) > 6 {
				t.Errorf("%s: %d attempts in 5 s", a, len(starts))
			}
			for i := 3; i < len(starts); i++ {
				if gap := starts[i].Sub(starts[i-1]); gap < time.Second || gap > 1100*time.Millisecond {
					t.Errorf("%s: %s between two attempts", a, gap)
				}
			}
			perTenth[starts[3].UnixMilli()/100]++
		}
		for tenth, n := range perTenth {
			if n > 15 {
				t.Errorf("%d of 100 attempts in one tenth of a second (%d)", n, tenth)
			}
		}
	})
}

func TestTooManySilentTargetsAreLoggedOnce(t *testing.T) {
	w := newWorld()
	var addresses []string
	for i := range 40 {
		a := fmt.Sprintf("black%d:1", i)
		addresses = append(addresses, a)
		w.set(a, swallows)
	}
	set := usual
	set.Concurrency = 4
	bubble(t, set, w, peersOf(addresses...), func(p *Prober, logged func() string) {
		after(time.Minute)
		if n := strings.Count(logged(), "raise concurrency"); n != 1 {
			t.Errorf("said %d times:\n%s", n, logged())
		}
		for i, a := range addresses {
			wantHealth(t, p, uint64(i+1), a, pluginsdk.Unreachable)
		}
	})
}

func TestPeersThatChangeStartAnewAndOthersKeepTheirVerdict(t *testing.T) {
	w := newWorld()
	w.set("a:1", connects(time.Millisecond))
	w.set("b:1", connects(time.Millisecond))
	w.set("c:1", refuses)
	bubble(t, usual, w, peersOf("a:1", "b:1"), func(p *Prober, _ func() string) {
		after(time.Second)
		p.SetPeers(peersOf("a:1", "c:1"))
		wantHealth(t, p, 1, "a:1", pluginsdk.Healthy)
		wantHealth(t, p, 2, "c:1", unknown)
		wantHealth(t, p, 2, "b:1", unknown)
		after(time.Second)
		wantHealth(t, p, 2, "c:1", pluginsdk.Unreachable)
		p.SetPeers(nil)
		after(10 * time.Second)
		if len(p.targets)+len(p.queue) != 0 {
			t.Errorf("left behind: %d targets, %d queued", len(p.targets), len(p.queue))
		}
	})
}

func TestLimitAttempts(t *testing.T) {
	tests := map[string]struct {
		wish    int
		files   uint64
		want    int
		warning bool
	}{
		"plenty":         {256, 1 << 20, 256, false},
		"exactly enough": {256, 576, 256, false},
		"one less":       {256, 575, 255, true},
		"the usual 1024": {256, 1024, 256, false},
		"low":            {256, 128, 32, true},
		"absurd":         {256, 10, 1, true},
		"unlimited":      {65536, ^uint64(0), 65536, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, warning := LimitAttempts(tt.wish, tt.files)
			if got != tt.want || (warning != "") != tt.warning {
				t.Errorf("got %d, %q", got, warning)
			}
		})
	}
}
