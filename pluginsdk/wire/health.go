package wire

import (
	"slices"
	"strings"
)

// HealthTCP is the scheme of health targets of the form host:port.
const HealthTCP = "tcp"

// HealthScheme returns the scheme of a health target, in lower case: HealthTCP for
// host:port, "" for the empty target.
func HealthScheme(target string) string {
	if target == "" {
		return ""
	}
	scheme, _, isURL := strings.Cut(target, "://")
	if !isURL {
		return HealthTCP
	}
	return strings.ToLower(scheme)
}

// HealthSchemes returns the schemes of the targets that a health probe checks which named
// these. One that named none checks targets of the form host:port, which is the scheme "".
func HealthSchemes(named []string) []string {
	if len(named) == 0 {
		return []string{""}
	}
	out := make([]string, len(named))
	for i, scheme := range named {
		out[i] = strings.ToLower(scheme)
	}
	return out
}

// ServesHealth reports whether a probe of these HealthSchemes checks a target. A probe that
// named none checks targets of the form host:port only.
func ServesHealth(schemes []string, target string) bool {
	if target == "" {
		return false
	}
	return slices.Contains(schemes, HealthScheme(target)) ||
		!strings.Contains(target, "://") && slices.Contains(schemes, "")
}
