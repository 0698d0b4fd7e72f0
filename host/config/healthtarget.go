package config

import (
	"net/url"
	"strings"

	"github.com/meshos/meshos/pluginsdk/wire"
)

// healthTarget is a setting for the target of a peer's health checks: host:port or a URL;
// "" means none. Which schemes can be checked is up to the plugins.
func healthTarget(key string, at *string) setting {
	return textOrNone(key, at).checked(func() *fault {
		if *at == "" {
			return nil
		}
		return badHealthTarget(*at)
	})
}

const healthExamples = `for example "10.0.0.2:7878", "http://10.0.0.2:7878/healthz" or "grpc://db.example:443"`

// badHealthTarget returns what is wrong with a target, nil if nothing is. Of schemes that
// no plugin of meshos checks only the form is known.
func badHealthTarget(s string) *fault {
	scheme, rest, isURL := strings.Cut(s, "://")
	if !isURL {
		return badHostPort(s, false)
	}
	bad := func(why string) *fault {
		return &fault{message: shortened(quote(s)) + " is not a target of health checks: " + why, hint: healthExamples}
	}
	if !isScheme(scheme) {
		return bad("what is in front of :// is not the scheme of a URL")
	}
	if rest == "" || strings.ContainsFunc(rest, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return bad("what follows :// must be without spaces and not empty")
	}
	scheme = wire.HealthScheme(s)
	switch scheme {
	case wire.HealthTCP, "http", "https", "grpc", "grpcs":
	default:
		return nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return bad("it can't be read as a URL")
	case u.User != nil:
		return &fault{ // without the value, which holds a secret
			message: "must not hold a user name or password: every probe gets it, and logs have it",
			hint:    healthExamples,
		}
	case u.Fragment != "":
		return bad("a # has no meaning here")
	case scheme == wire.HealthTCP && (u.Path != "" || u.RawQuery != ""):
		return bad("a TCP connection has no path")
	case u.RawQuery != "" && (scheme == "grpc" || scheme == "grpcs"):
		return bad("a gRPC health check has no query")
	case u.Hostname() == "":
		return bad("the host is missing")
	case !isHost(u.Hostname()):
		return bad("the host is neither a name nor an IP address")
	case u.Port() == "" && (scheme == "http" || scheme == "https") && !strings.HasSuffix(u.Host, ":"):
		return nil
	}
	if f := badHostPort(u.Host, false); f != nil {
		return bad("the port must be there, and a number from 1 to 65535")
	}
	return nil
}

// isScheme reports whether a text can be the scheme of a URL.
func isScheme(s string) bool {
	for i, r := range strings.ToLower(s) {
		letter := r >= 'a' && r <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", r)) {
			return false
		}
	}
	return s != ""
}
