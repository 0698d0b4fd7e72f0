package view

import "strings"

// Unlimited is a width that every table has room in.
const Unlimited = 1 << 20

// usualWidth is how many columns output for people has, unless a terminal has others.
const usualWidth = 80

// width returns how many columns a line may have.
func (p Printer) width() int {
	if p.Width <= 0 {
		return usualWidth
	}
	return p.Width
}

// styled is a part of a text with its style.
type styled struct {
	text  string
	style Style
}

// flow writes parts one after the other, in lines of at most the printer's width, and breaks
// no word. The first line begins after first columns that are written already; the others
// are indented by as many columns as indent says.
func (p Printer) flow(b *strings.Builder, first, indent int, parts ...styled) {
	column, atStart := first, true
	for _, part := range parts {
		pending := ""
		for i, word := range strings.Split(part.text, " ") {
			space := i > 0
			if size := displayWidth(word); !atStart && space && column+1+size > p.width() {
				b.WriteString(p.Color.Apply(part.style, pending) + "\n" + strings.Repeat(" ", indent))
				pending, column, space = "", indent, false
			}
			if space && !atStart {
				pending += " "
				column++
			}
			pending += word
			column += displayWidth(word)
			atStart = false
		}
		b.WriteString(p.Color.Apply(part.style, pending))
	}
	b.WriteString("\n")
}

// wrapped returns text in lines of at most width columns. A longer word has its own line.
func wrapped(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Split(text, " ") {
		switch {
		case line == "":
			line = word
		case displayWidth(line)+1+displayWidth(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}
