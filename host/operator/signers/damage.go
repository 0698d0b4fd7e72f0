package signers

import (
	"fmt"
	"strings"
)

// shownProblems is how many mistakes Error lists.
const shownProblems = 20

// Problem is one mistake in a file.
type Problem struct {
	Line    int // 0 for the file as a whole
	Message string
}

// Damage is the error for a file with mistakes; it has all of them.
type Damage struct {
	File     string
	Problems []Problem // at least one, in the order of the lines
}

func (d *Damage) add(line int, message string) {
	d.Problems = append(d.Problems, Problem{Line: line, Message: message})
}

func tooLarge(file string) *Damage {
	damage := &Damage{File: file}
	damage.add(0, fmt.Sprintf("is larger than %d bytes", MaxSize))
	return damage
}

// Error lists the mistakes, one per line, as FILE:LINE: MESSAGE.
func (d *Damage) Error() string {
	var lines []string
	for i, p := range d.Problems {
		if i == shownProblems {
			lines = append(lines, fmt.Sprintf("%s: and %d more", d.File, len(d.Problems)-i))
			break
		}
		at := d.File
		if p.Line > 0 {
			at = fmt.Sprintf("%s:%d", d.File, p.Line)
		}
		lines = append(lines, at+": "+p.Message)
	}
	return strings.Join(lines, "\n")
}
