package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// keyed presses keys: letters as they are, others by their names in brackets.
func (p *pager) keyed(keys ...string) (quit bool) {
	for _, name := range keys {
		code, special := map[string]rune{
			"down": tea.KeyDown, "up": tea.KeyUp, "pgdown": tea.KeyPgDown, "pgup": tea.KeyPgUp, "enter": tea.KeyEnter, "esc": tea.KeyEscape,
			"backspace": tea.KeyBackspace,
		}[name]
		press := tea.KeyPressMsg{Code: code}
		if !special {
			press = tea.KeyPressMsg{Code: rune(name[0]), Text: name}
		}
		_, cmd := p.Update(press)
		if cmd != nil {
			_, quit = cmd().(tea.QuitMsg)
		}
	}
	return quit
}

// newTestPager shows a page of 20 lines on a terminal of 6 rows.
func newTestPager() *pager {
	p := newPager(false)
	p.Update(tea.WindowSizeMsg{Width: 80, Height: 6})
	p.Update(pageShown{of: func(width int, all bool) (string, string) {
		var b strings.Builder
		for i := range 20 {
			fmt.Fprintf(&b, "line %d of %d columns, all %v\n", i, width, all)
		}
		return b.String(), b.String()
	}})
	return p
}

func (p *pager) first() string { return strings.SplitN(p.screen(), " of ", 2)[0] }

func TestAPageIsScrolledByKeys(t *testing.T) {
	for _, c := range []struct {
		keys  []string
		first string
	}{
		{nil, "line 0"},
		{[]string{"down", "j"}, "line 2"},
		{[]string{"pgdown"}, "line 5"},
		{[]string{"G"}, "line 15"},
		{[]string{"G", "pgdown", "down", "up"}, "line 14"},
		{[]string{"G", "g", "up", "pgup"}, "line 0"},
	} {
		p := newTestPager()
		if p.keyed(c.keys...) || p.first() != c.first {
			t.Errorf("%v: the first line is %q, want %q", c.keys, p.first(), c.first)
		}
		if rows := strings.Count(p.screen(), "\n") + 1; rows != 6 {
			t.Errorf("%v: %d rows are drawn", c.keys, rows)
		}
	}
}

func TestAPageIsSearched(t *testing.T) {
	p := newTestPager()
	p.keyed("/", "E", " ", "1", "backspace", "1", "enter")
	if p.first() != "line 1" {
		t.Errorf("found %q", p.first())
	}
	if p.keyed("n"); p.first() != "line 10" {
		t.Errorf("the next is %q", p.first())
	}
	if p.keyed("N", "N"); p.first() != "line 15" || !p.found(19) { // the last page shows the last line with it
		t.Errorf("the one before the first is shown with %q first", p.first())
	}
	p.keyed("/", "x", "y", "z", "enter")
	if !strings.HasSuffix(p.screen(), "not found: xyz") {
		t.Errorf("the last line is %q", p.footer())
	}
	p.keyed("/", "q", "esc", "down")
	if strings.Contains(p.screen(), "█") {
		t.Error("the search that was given up is still there")
	}
}

func TestAPageShowsAllByKeyAndQuits(t *testing.T) {
	p := newTestPager()
	if p.keyed("a"); !strings.Contains(p.screen(), "all true") {
		t.Errorf("shows %s", p.screen())
	}
	p.Update(tea.WindowSizeMsg{Width: 100, Height: 6})
	if !strings.Contains(p.screen(), "of 100 columns") {
		t.Errorf("shows %s", p.screen())
	}
	if !p.keyed("q") {
		t.Error("q does not quit")
	}
	if _, cmd := newTestPager().Update(streamEnded{}); cmd == nil {
		t.Error("it goes on without a node")
	}
}

// The page of the same snapshot is laid out again when the terminal or the keys change.
func TestAPageIsLaidOutAgainAndAgain(t *testing.T) {
	s := &meshosv1.Snapshot{Node: 1, Peers: []*meshosv1.PeerView{{Peer: 2, Name: "db-2", Health: meshosv1.NodeHealth_NODE_HEALTH_HEALTHY}}}
	a := &app{now: time.Now}
	page := a.pageOf(t.Context(), s, &statusPage{a: a}, view.Printer{})
	for range 2 {
		for _, all := range []bool{true, false, false, true} {
			if _, plain := page.of(80, all); strings.Contains(plain, "db-2") != all {
				t.Errorf("with all %v it shows\n%s", all, plain)
			}
		}
	}
}
