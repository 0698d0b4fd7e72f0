package view

import (
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

// table is a title, a line of column names and rows. Each column is as wide as its
// longest cell.
type table struct {
	title   string
	columns []string
	rows    [][]cell
	empty   string // shown if there are no rows
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

// write prints the table, with two spaces between columns and none after the last.
func (t *table) write(b *strings.Builder, c Color) {
	if t.title != "" {
		b.WriteString("\n" + c.Apply(Strong, t.title) + "\n")
	}
	if len(t.rows) == 0 {
		b.WriteString("  " + c.Apply(Faint, t.empty) + "\n")
		return
	}
	names := make([]cell, len(t.columns))
	for i, column := range t.columns {
		names[i] = cell{text: column, style: Faint}
	}
	rows := append([][]cell{names}, t.rows...)
	widths := make([]int, len(t.columns))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell.text))
		}
	}
	for _, row := range rows {
		line, gap := "", 2
		for i, cell := range row {
			if cell.text != "" {
				line += strings.Repeat(" ", gap) + c.Apply(cell.style, cell.text)
				gap = 0
			}
			gap += widths[i] - utf8.RuneCountInString(cell.text) + 2
		}
		b.WriteString(line + "\n")
	}
}

// writeIfAny prints the table unless it has no rows.
func (t *table) writeIfAny(b *strings.Builder, c Color) {
	if len(t.rows) > 0 {
		t.write(b, c)
	}
}
