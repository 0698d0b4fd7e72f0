package mesh

import (
	"fmt"
	"strings"
)

// maxStream is how long the name of a stream that becomes a chain may be, in bytes.
const maxStream = 128

// BadStream returns why a chain can't be the stream of that name, or "".
func BadStream(name string) string {
	number, isOurs := strings.CutPrefix(name, "c")
	switch {
	case len(name) > maxStream:
		return fmt.Sprintf("must have %d bytes at most", maxStream)
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`.*>/\`, r) }):
		return "must be a name of ASCII characters without spaces, dots, *, > and slashes"
	case name == "ADMIN":
		return "must not be that of the log of the mesh"
	case isOurs && number != "" && strings.Trim(number, "0123456789") == "":
		return "must not be c and a number: streams with such names are made for chains"
	}
	return ""
}
