package main

import (
	"crypto/x509"
	"time"
)

// soon is how long before its end a certificate should have been renewed, at most.
const soon = 14 * 24 * time.Hour

// renewBefore returns how long before its end a certificate should have been renewed: two
// weeks, or a third of its lifetime if that is less.
func renewBefore(c *x509.Certificate) time.Duration {
	return min(soon, c.NotAfter.Sub(c.NotBefore)/3)
}

// expiresSoon returns in words that certificates expire soon, "" if not. One chain that
// lasts is enough.
func expiresSoon(chains [][]*x509.Certificate, now time.Time) string {
	var latest *x509.Certificate
	for _, chain := range chains {
		first := firstToExpire(chain, now)
		if first == nil {
			return ""
		}
		if latest == nil || first.NotAfter.After(latest.NotAfter) {
			latest = first
		}
	}
	if latest == nil {
		return ""
	}
	whose := "certificate"
	if latest.IsCA {
		whose = "certificate of its authority"
	}
	return whose + " expires " + latest.NotAfter.UTC().Format("2006-01-02 15:04 UTC")
}

// firstToExpire returns the certificate of a chain that should have been renewed and
// expires first, nil if there is none.
func firstToExpire(chain []*x509.Certificate, now time.Time) (first *x509.Certificate) {
	for _, c := range chain {
		if c.NotAfter.Sub(now) < renewBefore(c) && (first == nil || c.NotAfter.Before(first.NotAfter)) {
			first = c
		}
	}
	return first
}
