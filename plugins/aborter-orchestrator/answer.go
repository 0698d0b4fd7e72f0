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

// refused is an answer that is not a success. What it wraps carries the code that
// the host understands.
type refused struct {
	error
	status int
	after  time.Duration // when to come back; 0: not said
}

func (r refused) Unwrap() error { return r.error }

// errorOf makes an error of an answer; nil for 2xx. What it is about (the request
// and its address) is added by the caller.
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

// askedToWait gives how long the orchestrator asked to be left alone, or 0.
func askedToWait(err error) time.Duration {
	var r refused
	if errors.As(err, &r) {
		return r.after
	}
	return 0
}

// isMissing says whether an error is an answer of 404.
func isMissing(err error) bool {
	var r refused
	return errors.As(err, &r) && r.status == http.StatusNotFound
}

// reasonIn takes the text for people out of an error's body: the API's "error",
// or else the beginning of whatever it is.
func reasonIn(body []byte) string {
	var e struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &e) == nil && e.Error != "" {
		return clean(e.Error)
	}
	return clean(string(body[:min(len(body), 4*maxReason)]))
}

// maxReason bounds, in characters, what of foreign text goes into an error.
const maxReason = 200

// clean makes one short printable line of foreign text.
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

// retryAfter reads the header: seconds or a date. What can't be read, or is past,
// is 0.
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
