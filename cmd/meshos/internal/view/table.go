package view

import (
	"slices"
	"strings"
)

// cell is one text of a table, with its style.
type cell struct {
	text  string
	style Style
}

// text returns a cell for text from elsewhere, without a style.
func text(s string) cell { return cell{text: Plain(s)} }

// table is a title, a line of column names and rows. Each column is as wide as its longest
// cell, as far as the page is wide enough. If it is not, the last column is wrapped, or
// stands below the others. If that does not do, wide columns become narrower: behind a cell
// that is wider the row goes on in the next line. No text is cut and no word is broken, so
// that people can copy it.
type table struct {
	title    string
	columns  []string
	optional int // so many of the last columns are left out if there is no room for them
	rows     [][]cell
	empty    string // shown if there are no rows
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

// within leaves out columns that say the same of all rows, in the order in which they are named,
// until the others have room on a page of a width.
func (t *table) within(width int, columns ...string) *table {
	for _, name := range columns {
		names := make([]cell, len(t.columns))
		for i, column := range t.columns {
			names[i] = cell{text: column}
		}
		i := slices.Index(t.columns, name)
		if i < 0 || len(t.rows) < 2 || needed(naturalWidths(append([][]cell{names}, t.rows...), len(names))) <= width {
			continue
		}
		said := map[string]bool{}
		for _, row := range t.rows {
			said[row[i].text] = true
		}
		delete(said, "here") // which every row but one says in another word
		if len(said) > 1 {
			continue
		}
		t.columns = slices.Delete(slices.Clone(t.columns), i, i+1)
		for r := range t.rows {
			t.rows[r] = slices.Delete(slices.Clone(t.rows[r]), i, i+1)
		}
	}
	return t
}

// What columns are not made narrower than.
const (
	leastLast = 20
	leastWide = 6
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
	columns := len(names)
	for range t.optional {
		if needed(naturalWidths(rows, columns)) > p.width() {
			columns--
		}
	}
	widths := fitted(rows, columns, p.width())
	for _, row := range rows {
		p.row(b, row[:columns], widths)
	}
}

// naturalWidths returns how wide the longest cells of the first columns are.
func naturalWidths(rows [][]cell, columns int) []int {
	widths := make([]int, columns)
	for _, row := range rows {
		for i, cell := range row[:columns] {
			widths[i] = max(widths[i], displayWidth(cell.text))
		}
	}
	return widths
}

// needed returns how wide a page has to be for columns, of which the last one is wrapped.
func needed(widths []int) int {
	all := 2 * len(widths)
	for _, width := range widths[:len(widths)-1] {
		all += width
	}
	return all + min(widths[len(widths)-1], leastLast)
}

// fitted returns how wide the columns of rows are on a page; 0 for a last one that stands
// below the others.
func fitted(rows [][]cell, columns, page int) []int {
	widths := naturalWidths(rows, columns)
	last := columns - 1
	over := needed(widths) - page
	if over <= 0 {
		widths[last] = min(widths[last], leastLast-over)
		return widths
	}
	if over -= min(widths[last], leastLast) + 2; over <= 0 {
		widths[last] = 0
		return widths
	}
	for over += leastLast + 2; over > 0; over-- {
		widest := 0
		for i := range widths[:last] {
			if room(rows, widths, i) > room(rows, widths, widest) {
				widest = i
			}
		}
		if last == 0 || room(rows, widths, widest) <= 0 {
			break
		}
		widths[widest]--
	}
	widths[last] = leastLast
	return widths
}

// room returns by how much a column can become narrower: its name has to fit.
func room(rows [][]cell, widths []int, i int) int {
	return widths[i] - max(leastWide, displayWidth(rows[0][i].text))
}

// row writes one row, in as many lines as it takes.
func (p Printer) row(b *strings.Builder, row []cell, widths []int) {
	column, start := 0, 2 // where the line is, and where the next cell begins
	put := func(c cell) {
		if c.text == "" {
			return
		}
		size, at := displayWidth(c.text), start
		if at+size > p.width() {
			at = max(2, min(at, p.width()-size))
		}
		if column > 0 && column+2 > at { // the cell before is too wide
			b.WriteString("\n")
			column = 0
		}
		b.WriteString(strings.Repeat(" ", at-column) + p.Color.Apply(c.style, c.text))
		column = at + size
	}
	last := len(row) - 1
	for i, c := range row[:last] {
		for _, line := range wrapped(c.text, p.width()-2) {
			put(cell{text: line, style: c.style})
		}
		start += widths[i] + 2
	}
	width := p.width() - start
	if size := displayWidth(row[last].text); size > width && (widths[last] == 0 || longestWord(row[last].text) > width) {
		start, width = min(start, 4), p.width()-4 // below the others there is more room
	}
	for i, line := range wrapped(row[last].text, width) {
		if i > 0 {
			b.WriteString("\n")
			column = 0
		}
		put(cell{text: line, style: row[last].style})
	}
	b.WriteString("\n")
}

func longestWord(text string) (n int) {
	for _, word := range strings.Split(text, " ") {
		n = max(n, displayWidth(word))
	}
	return n
}

// writeIfAny prints the table unless it has no rows.
func (t *table) writeIfAny(b *strings.Builder, p Printer) {
	if len(t.rows) > 0 {
		t.write(b, p)
	}
}
