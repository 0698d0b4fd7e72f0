package signers

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// principals splits the first field of a line, and returns how people read each principal.
func (e *Entry) principals(field string) error {
	e.Principals = strings.Split(field, ",")
	if !hasName(e.Principals) {
		return errors.New("the first field must name principals, separated by single commas")
	}
	e.readings = make([]reading, len(e.Principals))
	for i, p := range e.Principals {
		if len(p) > MaxPattern {
			return tooLong("principal", p)
		}
		e.readings[i] = readingOf(p)
	}
	return nil
}

// MaxPattern bounds one principal and one namespace, in bytes: ssh-keygen matches none that
// is longer.
const MaxPattern = 1022

func tooLong(what, text string) error {
	return fmt.Errorf("the %s %q is longer than %d bytes: ssh-keygen would match nothing with it", what, shortened(text), MaxPattern)
}

// unseen returns an error for a principal with a character that nobody sees, or that looks
// like a space and is another one: the name is not what people take it for.
func unseen(principal string) error {
	for _, r := range principal {
		if what := whyUnseen(r); what != "" {
			return fmt.Errorf("the principal %s contains U+%04X, %s: remove it, or write the name anew",
				strconv.QuoteToASCII(shortened(principal)), r, what)
		}
	}
	return nil
}

func whyUnseen(r rune) string {
	switch {
	case r == ' ':
		return ""
	case unicode.IsControl(r):
		return "a control character"
	case unicode.Is(unicode.Cf, r):
		return "a format character that can't be seen"
	case unicode.In(r, unicode.Zs, unicode.Zl, unicode.Zp), r == '\u2800': // the last is a Braille cell without dots
		return "a space other than that of ASCII"
	case unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return "a character that can't be seen"
	case !unicode.IsPrint(r):
		return "which is not a character of any script"
	}
	return ""
}
