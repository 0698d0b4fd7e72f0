package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/meshos/meshos/pluginsdk"
)

// refused is an answer that is not a success. It wraps an error with the code for the
// host.
type refused struct {
	error
	status int
	after  time.Duration // Retry-After; 0: there is none
}

func (r refused) Unwrap() error { return r.error }

// errorOf returns the error that an answer means; nil for 2xx. The caller adds the
// request and its address.
func errorOf(a *answer) error {
	if a.status >= 200 && a.status < 300 {
		return nil
	}
	return refused{error: causeOf(a), status: a.status, after: a.retryAfter}
}

func causeOf(a *answer) error {
	said := fmt.Sprintf("%d %s", a.status, http.StatusText(a.status))
	if text := reasonIn(a.body); text != "" {
		said += ": " + text
	}
	switch {
	case a.status == http.StatusNotFound:
		return pluginsdk.NotFound(errors.New(said))
	case a.status == http.StatusConflict:
		return pluginsdk.FailedPrecondition(errors.New(said))
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		return fmt.Errorf("%s: check that the token in token_file is valid and may list and abort migrations", said)
	case a.status == http.StatusRequestTimeout, a.status == http.StatusTooManyRequests, a.status >= 500:
		return pluginsdk.UnavailableAfter(errors.New(said), a.retryAfter)
	case a.status >= 300 && a.status < 400:
		return fmt.Errorf("%s to %q: redirects are not followed; set url to where the API is", said, clean(a.location))
	}
	return fmt.Errorf("%s, which the API does not use: check that url points at an orchestrator", said)
}

// askedToWait returns how long the orchestrator asked to wait in its answer, or 0.
func askedToWait(err error) time.Duration {
	var r refused
	if errors.As(err, &r) {
		return r.after
	}
	return 0
}

// isMissing reports whether err is an answer 404.
func isMissing(err error) bool {
	var r refused
	return errors.As(err, &r) && r.status == http.StatusNotFound
}

// reasonIn returns the text for people in the body of an error: the API's "error", or
// else the beginning of the body.
func reasonIn(body []byte) string {
	var e struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &e) == nil && e.Error != "" {
		return clean(e.Error)
	}
	return clean(string(body[:min(len(body), 4*maxReason)]))
}

// maxReason limits, in characters, how much foreign text an error contains.
const maxReason = 200

// clean returns foreign text as one short printable line.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxReason {
		return string(runes[:maxReason]) + "…"
	}
	return text
}

// retryAfter parses the header: seconds or a date. It returns 0 for what it can't parse
// and for a date in the past.
func retryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now))
}
