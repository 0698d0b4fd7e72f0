package resolve

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// clock steps a table through time.
type clock struct {
	*table
	now time.Time
}

func newClock() *clock {
	return &clock{newTable(time.Minute, 10*time.Minute, func(d time.Duration) time.Duration { return d }), time.Unix(1000, 0)}
}

func (c *clock) after(d time.Duration) *clock {
	c.now = c.now.Add(d)
	c.expire(c.now)
	return c
}

// answer lets the next due name be answered; an answer is written "10.0.0.2 fd00::2", "gone" or
// "!reason", for IPv6 and then for IPv4.
func (c *clock) answer(t *testing.T, v6, v4 string) State {
	t.Helper()
	e, _ := c.next(c.now)
	if e == nil {
		t.Fatal("no name is due")
	}
	c.answered(c.now, e, parse(v6), parse(v4))
	return e.state
}

func parse(text string) *Answer {
	switch {
	case text == "":
		return nil
	case text == "gone":
		return &Answer{Gone: true}
	case strings.HasPrefix(text, "!"):
		return &Answer{Failed: text[1:]}
	}
	a := &Answer{}
	for _, field := range strings.Fields(text) {
		a.Addresses = append(a.Addresses, netip.MustParseAddr(field))
	}
	return a
}

func (s State) text() string {
	word := [...]string{"pending", "found", "no such name", "failed"}[s.Lookup]
	return strings.TrimSpace(fmt.Sprint(word, " ", s.Addresses, " ", s.Reason))
}

func expect(t *testing.T, what string, s State, want string) {
	t.Helper()
	if s.text() != want {
		t.Errorf("%s: %q, want %q", what, s.text(), want)
	}
}

func TestWhatIsKnownOfANameFollowsItsAnswers(t *testing.T) {
	c := newClock()
	name := Name{Host: "db.example"}
	c.want(c.now, []Name{name})
	expect(t, "at first", c.names[name].state, "pending []")
	expect(t, "both families", c.answer(t, "fd00::2", "10.0.0.2"), "found [fd00::2 10.0.0.2]")
	c.after(time.Minute)
	expect(t, "another order", c.answer(t, "fd00::2", "10.0.0.3 10.0.0.2"), "found [fd00::2 10.0.0.2 10.0.0.3]")
	c.after(time.Minute)
	expect(t, "one family fails", c.answer(t, "!fails", "10.0.0.2"), "failed [fd00::2 10.0.0.2] fails")
	c.after(time.Minute)
	expect(t, "one family is no more", c.answer(t, "gone", "10.0.0.2"), "found [10.0.0.2]")
	c.after(time.Minute)
	expect(t, "the family that is left fails", c.answer(t, "gone", "!fails"), "failed [10.0.0.2] fails")
	c.after(time.Minute)
	expect(t, "gone", c.answer(t, "gone", "gone"), "no such name [10.0.0.2] no such name")
	c.after(time.Minute)
	expect(t, "then nobody can say", c.answer(t, "!fails", "!fails"), "failed [10.0.0.2] fails")
	c.after(time.Minute)
	expect(t, "still gone", c.answer(t, "gone", "gone"), "no such name [10.0.0.2] no such name")
	c.after(7 * time.Minute)
	expect(t, "within the grace", c.names[name].state, "no such name [10.0.0.2] no such name")
	c.after(time.Minute)
	expect(t, "after it", c.names[name].state, "no such name [] no such name")
	expect(t, "and again", c.answer(t, "gone", "gone"), "no such name [] no such name")
	c.after(time.Minute)
	expect(t, "it is back", c.answer(t, "gone", "10.0.0.9"), "found [10.0.0.9]")
	c.after(time.Hour)
	expect(t, "and stays", c.names[name].state, "found [10.0.0.9]")
}

func TestAFailureKeepsTheAddressesForAsLongAsItLasts(t *testing.T) {
	c := newClock()
	name := Name{Host: "db.example"}
	c.want(c.now, []Name{name})
	c.answer(t, "gone", "10.0.0.2")
	for range 60 {
		c.after(time.Minute)
		expect(t, "failing", c.answer(t, "!fails", "!fails"), "failed [10.0.0.2] fails")
	}
}

func TestANameOfOneFamilyIsAskedForThatAlone(t *testing.T) {
	c := newClock()
	c.want(c.now, []Name{{Host: "db.example", Family: mesh.FamilyIPv6}})
	expect(t, "no such address", c.answer(t, "gone", ""), "no such name [] no IPv6 address under this name")
	c.after(time.Minute)
	expect(t, "found", c.answer(t, "fd00::2", ""), "found [fd00::2]")
}

func TestNamesAreLookedUpOnceAMinuteAndSoonerWhileNothingIsKnown(t *testing.T) {
	c := newClock()
	good, bad := Name{Host: "good.example"}, Name{Host: "bad.example"}
	asked := map[Name][]time.Duration{}
	start := c.now
	c.want(c.now, []Name{good, bad, good}) // two peers share a name
	for range 300 {
		for {
			e, _ := c.next(c.now)
			if e == nil {
				break
			}
			asked[e.name] = append(asked[e.name], c.now.Sub(start))
			if e.name == good {
				c.answered(c.now, e, parse("gone"), parse("10.0.0.2"))
			} else {
				c.answered(c.now, e, parse("!fails"), parse("!fails"))
			}
		}
		c.after(time.Second)
	}
	if got := fmt.Sprint(asked[good]); got != "[0s 1m0s 2m0s 3m0s 4m0s]" {
		t.Errorf("the good one at %s", got)
	}
	if got := fmt.Sprint(asked[bad]); got != "[0s 5s 15s 35s 1m15s 2m15s 3m15s 4m15s]" {
		t.Errorf("the one that fails at %s", got)
	}
}

func TestNamesThatNobodyWantsAreForgotten(t *testing.T) {
	c := newClock()
	a, b := Name{Host: "a.example"}, Name{Host: "b.example"}
	c.want(c.now, []Name{a, b})
	c.answer(t, "gone", "10.0.0.2")
	running, _ := c.next(c.now)
	c.want(c.now, nil)
	c.answered(c.now, running, parse("gone"), parse("10.0.0.3"))
	if len(c.names)+len(c.queue)+len(c.gone) != 0 {
		t.Errorf("left behind: %v, %v, %v", c.names, c.queue, c.gone)
	}
}

func TestTheAddressesOfANameAreBounded(t *testing.T) {
	c := newClock()
	c.want(c.now, []Name{{Host: "many.example"}})
	var many []string
	for i := range 200 {
		many = append(many, fmt.Sprintf("10.0.0.%d", i))
	}
	if got := c.answer(t, "gone", strings.Join(many, " ")).Addresses; len(got) != mostAddresses {
		t.Errorf("%d addresses", len(got))
	}
}
