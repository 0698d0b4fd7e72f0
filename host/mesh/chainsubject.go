package mesh

import (
	"fmt"
	"strings"
)

// MaxSubjects and MaxSubject limit what a chain may hold, in subjects and in bytes of each.
const (
	MaxSubjects = 64
	MaxSubject  = 256
)

// BadSubject returns why messages of a chain can't have a subject, or "".
func BadSubject(subject string) string {
	tokens := strings.Split(subject, ".")
	for i, token := range tokens {
		switch {
		case len(subject) > MaxSubject:
			return fmt.Sprintf("must have %d bytes at most each", MaxSubject)
		case token == "" || strings.ContainsAny(token, " \t\r\n"):
			return "must be words with dots between them, such as orders.new"
		case token == ">" && i < len(tokens)-1:
			return "must have > at their end only"
		case token != ">" && token != "*" && strings.ContainsAny(token, "*>"):
			return "must have * and > as whole words only"
		}
	}
	if first := tokens[0]; first == "m" || first == "*" || first == ">" || strings.HasPrefix(first, "$") || strings.HasPrefix(first, "_") {
		return "must begin with a word of their own, which is not m, * or > and does not begin with $ or _: those are the mesh's"
	}
	return ""
}

// SubjectsMeet reports whether a message can have a subject that both patterns match.
func SubjectsMeet(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		switch {
		case x[i] == ">" || y[i] == ">":
			return true
		case x[i] != y[i] && x[i] != "*" && y[i] != "*":
			return false
		}
	}
	return len(x) == len(y)
}
