package resolve

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// servers are name servers whose answers a test changes. A name without an answer has the
// address 10.0.0.1 and no IPv6 address.
type servers struct {
	mu      sync.Mutex
	answers map[string]string // of A; "hang" for none
	takes   time.Duration
	asked   map[string]int
	at, max int
}

func (s *servers) set(host, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[host] = answer
}

func (s *servers) lookup(ctx context.Context, host string, family mesh.Family) Answer {
	s.mu.Lock()
	s.asked[host]++
	s.at++
	s.max = max(s.max, s.at)
	answer := s.answers[host]
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.at--
		s.mu.Unlock()
	}()
	if answer == "hang" {
		<-ctx.Done()
		return failed(ctx.Err())
	}
	time.Sleep(s.takes)
	switch {
	case answer == "gone", family == mesh.FamilyIPv6 && answer == "":
		return Answer{Gone: true}
	case answer == "":
		return Answer{Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}
	case family == mesh.FamilyIPv6:
		return *parse("gone")
	}
	return *parse(answer)
}

// running runs a resolver in virtual time; said returns what it said so far, and when.
func running(t *testing.T, s *servers, names []Name, test func(r *Resolver, said func() [][]Change, at func() []time.Time)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := New(Options{Lookup: s.lookup, Grace: 10 * time.Minute})
		r.Want(names)
		var mu sync.Mutex
		var said [][]Change
		var times []time.Time
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			r.Run(ctx, func(_ context.Context, changes []Change) {
				mu.Lock()
				defer mu.Unlock()
				said, times = append(said, changes), append(times, time.Now())
			})
		}()
		test(r, func() [][]Change { mu.Lock(); defer mu.Unlock(); return said }, func() []time.Time { mu.Lock(); defer mu.Unlock(); return times })
		cancel()
		<-done
	})
}

func newServers() *servers { return &servers{answers: map[string]string{}, asked: map[string]int{}} }

func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// Two lookups for each name and minute, A and AAAA, whatever fails.
func TestAThousandNamesAreLookedUpOnceAMinuteWhileOneFails(t *testing.T) {
	s := newServers()
	s.takes = 20 * time.Millisecond
	var names []Name
	for i := range 1000 {
		names = append(names, Name{Host: fmt.Sprintf("peer%d.example", i)})
	}
	s.answers["peer7.example"], s.answers["peer8.example"], s.answers["peer9.example"] = "hang", "gone", "!fails"
	running(t, s, names, func(_ *Resolver, said func() [][]Change, at func() []time.Time) {
		const minutes = 30
		wait(minutes * time.Minute)
		total := 0
		for host, n := range s.asked {
			total += n
			if n > 2*(minutes+6) {
				t.Errorf("%s: %d lookups in %d minutes", host, n, minutes)
			}
		}
		if most := 2 * 1000 * (minutes + 3); total > most || total < 2*1000*(minutes-3) {
			t.Errorf("%d lookups in %d minutes", total, minutes)
		}
		if s.max > 2*lookupsAtOnce {
			t.Errorf("%d lookups at once", s.max)
		}
		if n := len(said()); n == 0 || n > 20 {
			t.Errorf("said %d times that something changed", n)
		}
		for i, t1 := range at()[1:] {
			if gap := t1.Sub(at()[i]); gap < quiet {
				t.Errorf("said again after %s", gap)
			}
		}
	})
}

func TestWhatChangesIsSaidAndNothingElse(t *testing.T) {
	s := newServers()
	s.answers["a.example"] = "10.0.0.2"
	a, b := Name{Host: "a.example"}, Name{Host: "b.example"}
	running(t, s, []Name{a, b}, func(r *Resolver, said func() [][]Change, _ func() []time.Time) {
		expectSaid := func(what string, times int, want string) {
			t.Helper()
			if got := said(); len(got) != times || got[times-1][len(got[times-1])-1].After.text() != want {
				t.Errorf("%s: said %d times, the last was %+v; want %q", what, len(got), got[len(got)-1], want)
			}
		}
		wait(5 * time.Minute)
		if got := said(); len(got) != 1 || len(got[0]) != 2 {
			t.Fatalf("said %+v", got)
		}
		s.set("a.example", "10.0.0.3")
		wait(70 * time.Second)
		expectSaid("another address", 2, "found [10.0.0.3]")
		s.set("a.example", "gone")
		wait(70 * time.Second)
		expectSaid("gone", 3, "no such name [10.0.0.3] no such name")
		version := r.Version()
		wait(10 * time.Minute)
		expectSaid("gone for good", 4, "no such name [] no such name")
		if r.Version() == version {
			t.Error("the version has not grown")
		}
		if got := r.Counts(); got.Found == 0 || got.NoSuchName == 0 || got.Failed != 0 {
			t.Errorf("counts %+v", got)
		}
		r.Want([]Name{b, {Host: "c.example"}})
		wait(2 * time.Second)
		expectSaid("a new name", 5, "found [10.0.0.1]")
		if all := r.All(); len(all) != 2 || all[0].Host != "b.example" || all[1].Host != "c.example" {
			t.Errorf("all: %+v", all)
		}
		expect(t, "one that nobody wants", r.State(a), "pending []")
	})
}

func TestANameServerThatHangsHoldsUpNoOtherName(t *testing.T) {
	s := newServers()
	var names []Name
	for i := range lookupsAtOnce - 1 {
		host := fmt.Sprintf("hangs%d.example", i)
		s.answers[host] = "hang"
		names = append(names, Name{Host: host})
	}
	good := Name{Host: "good.example"}
	running(t, s, append(names, good), func(r *Resolver, _ func() [][]Change, _ func() []time.Time) {
		wait(time.Second)
		expect(t, "the good one", r.State(good), "found [10.0.0.1]")
		wait(lookupTimeout)
		expect(t, "one that hangs", r.State(names[0]), "failed [] the name server does not answer in time")
	})
}
