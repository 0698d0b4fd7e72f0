package main

import (
	"strings"
	"unicode/utf8"
)

// cell is a text of a table with its style.
type cell struct {
	text  string
	style style
}

func text(s string) cell { return cell{text: plain(s)} }

// table is rows under a heading, its columns as wide as what is in them.
type table struct {
	title   string
	columns []string
	rows    [][]cell
	empty   string // said in place of rows
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

// write prints the table, two spaces between columns and none behind the last.
func (t *table) write(b *strings.Builder, p paint) {
	if t.title != "" {
		b.WriteString("\n" + p.in(strong, t.title) + "\n")
	}
	if len(t.rows) == 0 {
		b.WriteString("  " + p.in(faint, t.empty) + "\n")
		return
	}
	heading := make([]cell, len(t.columns))
	for i, column := range t.columns {
		heading[i] = cell{text: column, style: faint}
	}
	rows := append([][]cell{heading}, t.rows...)
	widths := make([]int, len(t.columns))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	for _, row := range rows {
		line, gap := "", 2
		for i, c := range row {
			if c.text != "" {
				line += strings.Repeat(" ", gap) + p.in(c.style, c.text)
				gap = 0
			}
			gap += widths[i] - utf8.RuneCountInString(c.text) + 2
		}
		b.WriteString(line + "\n")
	}
}
