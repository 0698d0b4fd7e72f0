package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// statusRange is a range of HTTP statuses, both ends included.
type statusRange struct{ first, last int }

// parseStatuses reads "200" and "200-299".
func parseStatuses(texts []string) (out []statusRange, err error) {
	for _, text := range texts {
		first, last, isRange := strings.Cut(text, "-")
		if !isRange {
			last = first
		}
		r := statusRange{}
		var errFirst, errLast error
		r.first, errFirst = strconv.Atoi(first)
		r.last, errLast = strconv.Atoi(last)
		if errFirst != nil || errLast != nil || r.first < 200 || r.last > 599 || r.first > r.last {
			return nil, fmt.Errorf("status: %q is neither a status from 200 to 599 nor a range such as 200-299", text)
		}
		out = append(out, r)
	}
	return out, nil
}

// rule says which answers are good.
type rule struct {
	target   string // the beginning of the targets that it is for
	statuses []statusRange
	body     string // has to be in the body
}

func (r rule) status(code int) bool {
	for _, s := range r.statuses {
		if s.first <= code && code <= s.last {
			return true
		}
	}
	return false
}

// acceptance is which answers are good, for every target.
type acceptance []rule

// acceptance reads the keys status, body and expect.
func (c config) acceptance() (acceptance, error) {
	usual, err := parseStatuses(c.Status)
	errs := []error{err}
	out := acceptance{{statuses: usual, body: c.Body}}
	for i, e := range c.Expect {
		r := rule{target: e.Target, statuses: usual, body: e.Body}
		if len(e.Status) > 0 {
			if r.statuses, err = parseStatuses(e.Status); err != nil {
				errs = append(errs, fmt.Errorf("expect[%d].%w", i, err))
			}
		}
		out = append(out, r)
	}
	return out, errors.Join(errs...)
}

// of returns the rule for a target: the one with the longest beginning of it.
func (a acceptance) of(target string) rule {
	best := a[0]
	for _, r := range a[1:] {
		if strings.HasPrefix(target, r.target) && len(r.target) > len(best.target) {
			best = r
		}
	}
	return best
}
