package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// listenAddress is a setting for an address to listen on; "" means none.
func listenAddress(key string, at *string) setting {
	return text(key, at).checked(func() *fault {
		if *at == "" {
			return nil
		}
		return badHostPort(*at, true)
	})
}

// badHostPort returns what is wrong with "host:port", nil if nothing is. In an address to
// listen on, the host may be empty (all addresses) and the port 0 (any free port).
func badHostPort(s string, listen bool) *fault {
	bad := func(why string) *fault {
		return &fault{message: shortened(quote(s)) + " is not a host:port: " + why, hint: `for example "10.0.0.2:7878", "db.example:80" or "[::1]:80"`}
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		if strings.Count(s, ":") > 1 && !strings.Contains(s, "[") {
			return bad("an IPv6 address needs brackets")
		}
		if !strings.Contains(s, ":") {
			return bad("the port is missing")
		}
		return bad("it can't be split into host and port")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 && !listen {
		return bad("the port must be a number from 1 to 65535")
	}
	if host == "" {
		if listen {
			return nil
		}
		return bad("the host is missing")
	}
	if !isHost(host) {
		return bad("the host is neither a name nor an IP address")
	}
	return nil
}

// hostAddress is a setting for a host name or IP address without a port; "" means none.
func hostAddress(key string, at *string) setting {
	return textOrNone(key, at).checked(func() *fault {
		if *at == "" || isHost(*at) {
			return nil
		}
		f := &fault{message: shortened(quote(*at)) + " is neither a host name nor an IP address"}
		if badHostPort(*at, false) == nil {
			f.hint = "leave out the port: it belongs in health"
		}
		return f
	})
}

func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	if s == "" || len(s) > 253 {
		return false
	}
	labels := strings.Split(strings.TrimSuffix(s, "."), ".")
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return false // no host name ends in a number: it is a mistyped IP address
	}
	for _, label := range labels {
		odd := strings.ContainsFunc(label, func(r rune) bool {
			return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		})
		if label == "" || len(label) > 63 || odd {
			return false
		}
	}
	return true
}

// badURL returns what is wrong with the URL of an HTTP health check, nil if nothing is.
func badURL(s string) *fault {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return &fault{message: shortened(quote(s)) + " is not an http or https URL", hint: `for example "http://127.0.0.1:8080/healthz"`}
	}
	return nil
}
