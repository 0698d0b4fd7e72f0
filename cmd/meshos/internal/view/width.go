package view

import "github.com/mattn/go-runewidth"

// displayWidth returns how many columns of a terminal a text takes: a Chinese character and most
// emoji take two, and an accent that is combined with a letter none. What terminals do not
// agree on takes one.
func displayWidth(text string) int {
	narrow := runewidth.Condition{} // not the default one, which depends on the environment
	return narrow.StringWidth(text)
}

// cut shortens text to a number of columns.
func cut(text string, width int) string {
	narrow := runewidth.Condition{}
	return narrow.Truncate(text, max(1, width), "…")
}
