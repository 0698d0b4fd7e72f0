package main

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
)

// pager shows a page that changes while people scroll and search it.
type pager struct {
	color         view.Color
	page          pageShown
	width, height int
	top           int    // the first line that is shown
	all           bool   // the other way round than the flag --all says
	typing        bool   // a search is being typed
	typed, term   string // what is typed; what was searched last
	note          string // shown until the next key
	away          bool   // the node does not answer: the page is the last one that it sent
	lines, plain  []string
}

// nodeAway tells whether the node does not answer any more.
type nodeAway struct{ away bool }

// pageShown is a page for whatever width, in color and plain: both have the same lines.
type pageShown struct {
	of func(width int, all bool) (colored, plain string)
}

// streamEnded means that no newer page comes.
type streamEnded struct{}

func newPager(color view.Color) *pager { return &pager{color: color} }

// Init implements tea.Model.
func (*pager) Init() tea.Cmd { return nil }

// Update implements tea.Model.
func (p *pager) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		p.width, p.height = msg.Width, msg.Height
		p.layout()
	case pageShown:
		p.page = msg
		p.layout()
	case nodeAway:
		p.away = msg.away
	case streamEnded:
		return p, tea.Quit
	case tea.KeyPressMsg:
		p.note = ""
		if p.typing {
			p.typeKey(msg)
			return p, nil
		}
		return p, p.key(msg)
	}
	return p, nil
}

// layout breaks the page into lines anew.
func (p *pager) layout() {
	if p.page.of == nil || p.width == 0 {
		return
	}
	colored, plain := p.page.of(p.width, p.all)
	p.lines = strings.Split(strings.TrimSuffix(colored, "\n"), "\n")
	p.plain = strings.Split(strings.TrimSuffix(plain, "\n"), "\n")
	p.scroll(0)
}

// rows is how many lines of the page are shown.
func (p *pager) rows() int { return max(1, p.height-1) }

func (p *pager) scroll(by int) {
	p.top = max(0, min(p.top+by, len(p.lines)-p.rows()))
}

func (p *pager) key(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "q", "Q", "esc", "ctrl+c":
		return tea.Quit
	case "up", "k":
		p.scroll(-1)
	case "down", "j", "enter":
		p.scroll(1)
	case "pgup", "b", "ctrl+b":
		p.scroll(-p.rows())
	case "pgdown", "space", "ctrl+f":
		p.scroll(p.rows())
	case "home", "g":
		p.scroll(-len(p.lines))
	case "end", "G":
		p.scroll(len(p.lines))
	case "a":
		p.all = !p.all
		p.layout()
	case "/":
		p.typing, p.typed = true, ""
	case "n":
		p.find(p.top+1, 1)
	case "N":
		p.find(p.top-1, -1)
	}
	return nil
}

func (p *pager) typeKey(k tea.KeyPressMsg) {
	switch k.String() {
	case "enter":
		p.typing, p.term = false, p.typed
		p.find(p.top, 1)
	case "esc", "ctrl+c":
		p.typing = false
	case "backspace":
		if runes := []rune(p.typed); len(runes) > 0 {
			p.typed = string(runes[:len(runes)-1])
		}
	default:
		p.typed += k.Text
	}
}

// find goes to the next line with the term, from a line on and once round.
func (p *pager) find(from, step int) {
	n := len(p.plain)
	if p.term == "" || n == 0 {
		return
	}
	for i := range n {
		at := ((from+i*step)%n + n) % n
		if p.found(at) {
			p.top = at
			p.scroll(0)
			return
		}
	}
	p.note = "not found: " + p.term
}

func (p *pager) found(line int) bool {
	return p.term != "" && strings.Contains(strings.ToLower(p.plain[line]), strings.ToLower(p.term))
}

// View implements tea.Model.
func (p *pager) View() tea.View {
	view := tea.NewView(p.screen())
	view.AltScreen = true
	return view
}

// screen is what the terminal shows.
func (p *pager) screen() string {
	if p.lines == nil {
		return "waiting for the node …"
	}
	var b strings.Builder
	for i := range p.rows() {
		switch line := p.top + i; {
		case line >= len(p.lines):
		case p.found(line):
			b.WriteString(p.color.Apply(view.Found, p.plain[line]))
		default:
			b.WriteString(p.lines[line])
		}
		b.WriteString("\n")
	}
	b.WriteString(p.footer())
	return b.String()
}

func (p *pager) footer() string {
	switch {
	case p.typing:
		return "/" + p.typed + "█"
	case p.note != "":
		return p.color.Apply(view.Warning, view.Plain(p.note))
	case p.away:
		return p.color.Apply(view.Warning, "the node does not answer any more: this is how it was; it goes on when it is started again  q quit")
	}
	where := "all of it is shown"
	if len(p.lines) > p.rows() {
		where = fmt.Sprintf("lines %d to %d of %d", p.top+1, min(len(p.lines), p.top+p.rows()), len(p.lines))
	}
	return p.color.Apply(view.Faint, where+"  q quit  ↑ ↓ PgUp PgDn scroll  / search  a all")
}
