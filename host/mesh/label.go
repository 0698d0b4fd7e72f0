package mesh

import "strings"

// MaxLabelName is how long the name of a label may be, in bytes.
const MaxLabelName = 32

// LabelName reports whether a label of a node can have a name: lower-case letters and digits, and
// between them also dots, slashes, underscores and hyphens.
func LabelName(name string) bool {
	const ends = "abcdefghijklmnopqrstuvwxyz0123456789"
	return name != "" && len(name) <= MaxLabelName && strings.Trim(name, "._/-") == name &&
		!strings.ContainsFunc(name, func(r rune) bool { return !strings.ContainsRune(ends+"._/-", r) })
}
