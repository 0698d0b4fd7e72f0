package view

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// cell is one text of a table, with its style.
type cell struct {
	text  string
	style Style
}

// text returns a cell for text from elsewhere, without a style.
func text(s string) cell { return cell{text: Plain(s)} }

// table is a title, a line of column names and rows. Each column is as wide as its longest
// cell, as far as the page is wide enough: the last column is wrapped then, and if that does
// not do, wide columns are cut.
type table struct {
	title   string
	columns []string
	rows    [][]cell
	empty   string // shown if there are no rows
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

// withoutEmpty leaves out the columns of which no row says anything.
func (t *table) withoutEmpty() *table {
	if len(t.rows) == 0 {
		return t
	}
	out := &table{title: t.title, empty: t.empty, rows: make([][]cell, len(t.rows))}
	for i, name := range t.columns {
		last := i == len(t.columns)-1
		if !last && !slices.ContainsFunc(t.rows, func(row []cell) bool { return row[i].text != "-" && row[i].text != "" }) {
			continue
		}
		out.columns = append(out.columns, name)
		for j, row := range t.rows {
			out.rows[j] = append(out.rows[j], row[i])
		}
	}
	return out
}

// What columns are not made narrower than.
const (
	leastLast = 20
	leastCut  = 16
)

// write prints the table, with two spaces between columns and none after the last.
func (t *table) write(b *strings.Builder, p Printer) {
	if t.title != "" {
		b.WriteString("\n" + p.Color.Apply(Strong, t.title) + "\n")
	}
	if len(t.rows) == 0 {
		b.WriteString("  " + p.Color.Apply(Faint, t.empty) + "\n")
		return
	}
	names := make([]cell, len(t.columns))
	for i, column := range t.columns {
		names[i] = cell{text: column, style: Faint}
	}
	rows := append([][]cell{names}, t.rows...)
	widths := columnWidths(rows, p.width())
	for _, row := range rows {
		writeRow(b, p.Color, row, widths)
	}
}

// columnWidths returns how wide the columns of rows are on a page.
func columnWidths(rows [][]cell, page int) []int {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell.text))
		}
	}
	last := len(widths) - 1
	over := 0
	for _, width := range widths {
		over += width + 2
	}
	over -= page
	if wraps := min(over, max(0, widths[last]-leastLast)); wraps > 0 {
		widths[last] -= wraps
		over -= wraps
	}
	for over > 0 {
		widest := 0
		for i := range widths[:last] {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= leastCut {
			break
		}
		widths[widest]--
		over--
	}
	return widths
}

func writeRow(b *strings.Builder, c Color, row []cell, widths []int) {
	line, gap, start := "", 2, 2
	last := len(row) - 1
	for i, cell := range row[:last] {
		shown := cutName(cell.text, widths[i])
		if shown != "" {
			line += strings.Repeat(" ", gap) + c.Apply(cell.style, shown)
			gap = 0
		}
		gap += widths[i] - utf8.RuneCountInString(shown) + 2
		start += widths[i] + 2
	}
	for i, part := range wrapped(row[last].text, max(widths[last], leastLast)) {
		switch {
		case i > 0:
			line += "\n" + strings.Repeat(" ", start) + c.Apply(row[last].style, part)
		case part != "":
			line += strings.Repeat(" ", gap) + c.Apply(row[last].style, part)
		}
	}
	b.WriteString(line + "\n")
}

// writeIfAny prints the table unless it has no rows.
func (t *table) writeIfAny(b *strings.Builder, p Printer) {
	if len(t.rows) > 0 {
		t.write(b, p)
	}
}
