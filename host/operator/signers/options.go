package signers

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/meshos/meshos/host/operator/sshsig"
)

var (
	errAuthority = errors.New("certificate authorities are not supported: list each operator's own key")
	errCommas    = errors.New("options are separated by single commas, without spaces")
)

// options reads the second field of a line, such as
// namespaces="meshos-admin",valid-before="20270101Z".
func (e *Entry) options(text string, zone *time.Location) (authority bool, err error) {
	given := make(map[string]bool)
	for rest := text; ; {
		name, value, quoted, after, err := nextOption(rest)
		if err != nil {
			return false, err
		}
		if name == "" {
			return false, errCommas
		}
		name = strings.ToLower(name)
		if given[name] {
			return false, fmt.Errorf("option %s is given twice", shortened(name))
		}
		given[name] = true
		switch name {
		case "cert-authority":
			authority = true
		case "no-touch-required":
			e.Touch = sshsig.TouchNotRequired
		case "namespaces", "valid-after", "valid-before":
			if !quoted {
				return false, fmt.Errorf("option %s needs a value in double quotes", name)
			}
			if err := e.valued(name, value, zone); err != nil {
				return false, err
			}
			quoted = false
		default:
			return false, fmt.Errorf("option %q is not known; the options are namespaces, valid-after, valid-before and no-touch-required", shortened(name))
		}
		if quoted {
			return false, fmt.Errorf("option %s takes no value", name)
		}
		if after == "" {
			break
		}
		if after[0] != ',' || len(after) == 1 {
			return false, errCommas
		}
		rest = after[1:]
	}
	if !e.ValidAfter.IsZero() && !e.ValidBefore.IsZero() && !e.ValidBefore.After(e.ValidAfter) {
		return false, errors.New("valid-before is not later than valid-after: the key would never be valid")
	}
	return authority, nil
}

func (e *Entry) valued(name, value string, zone *time.Location) error {
	if name == "namespaces" {
		e.Namespaces = strings.Split(value, ",")
		if !hasName(e.Namespaces) {
			return errors.New("option namespaces must name a namespace, and may not have empty items")
		}
		for _, n := range e.Namespaces {
			if len(n) > MaxPattern {
				return tooLong("namespace", n)
			}
		}
		return nil
	}
	at, err := parseTime(value, zone)
	if err != nil {
		return fmt.Errorf("option %s: %w", name, err)
	}
	if name == "valid-after" {
		e.ValidAfter = at
	} else {
		e.ValidBefore = at
	}
	return nil
}

// hasName reports whether a list of patterns has one that is not negated, and none
// that is empty.
func hasName(patterns []string) bool {
	has := false
	for _, p := range patterns {
		if strings.Trim(p, "! \t") == "" {
			return false
		}
		has = has || p[0] != '!'
	}
	return has
}

// nextOption cuts off one option: NAME or NAME="VALUE", where \" in a value is a
// quote.
func nextOption(text string) (name, value string, quoted bool, after string, err error) {
	end := strings.IndexAny(text, `,="`)
	if end < 0 {
		return text, "", false, "", nil
	}
	name = text[:end]
	if text[end] == ',' {
		return name, "", false, text[end:], nil
	}
	body, ok := strings.CutPrefix(text[end:], `="`)
	if !ok {
		return "", "", false, "", fmt.Errorf("option %s needs a value in double quotes", shortened(name))
	}
	var out strings.Builder
	for i := 0; i < len(body); i++ {
		switch {
		case body[i] == '\\' && i+1 < len(body) && body[i+1] == '"':
			out.WriteByte('"')
			i++
		case body[i] == '"':
			return name, out.String(), true, body[i+1:], nil
		default:
			out.WriteByte(body[i])
		}
	}
	return "", "", false, "", fmt.Errorf("option %s has no closing quote", shortened(name))
}
